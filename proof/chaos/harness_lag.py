"""How late this process's own event loop wakes up. While it is stalled, measured times mean nothing."""

from __future__ import annotations

import asyncio
import time

#: Seconds between two checks of the clock, and the lateness above which one is recorded.
LOOK_S, LATE_S = 0.1, 0.5


class HarnessLag:
    """A monitor that runs inside its `async with` block. `lags`: (when, in seconds since 1970; seconds late)."""

    def __init__(self) -> None:
        self.lags: list[tuple[float, float]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HarnessLag:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    def lost_s(self, since: float) -> float:
        """Return the seconds for which this process was stalled since a moment."""
        return sum(late_s for at, late_s in self.lags if at >= since)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            if (late_s := loop.time() - due) > LATE_S:
                self.lags.append((time.time(), late_s))
