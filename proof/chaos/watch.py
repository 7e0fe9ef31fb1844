"""The watch: how late this process itself is woken. Where the machine starves it, times say nothing."""

from __future__ import annotations

import asyncio
import time

#: Seconds between two looks at the clock, and how late one may be.
LOOK_S, LATE_S = 0.1, 0.5


class Watch:
    """Runs from `async with` to its end. `lags`: (when, seconds late), seconds since 1970."""

    def __init__(self) -> None:
        self.lags: list[tuple[float, float]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    def lost_s(self, since: float) -> float:
        """How many seconds the machine has kept us waiting since a moment."""
        return sum(late_s for at, late_s in self.lags if at >= since)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            if (late_s := loop.time() - due) > LATE_S:
                self.lags.append((time.time(), late_s))
