"""The gate to the open connections: so many requests at a time, and two fair lines before it.

Arrivals wait in one line, buyers inside in the other, and the two take turns: else the first buyers would
see their outcome only after the last one has arrived, which is the client's fault and not the server's.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """At most `slots` are inside at once. One event loop only."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._lines: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())
        self._turn = 0

    async def enter(self, line: int) -> None:
        """Wait for a slot in line 0 or 1. Cancelled while waiting: nothing is taken."""
        if self._free:
            self._free -= 1
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines[line].append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                # The slot was handed over in the moment of the cancellation.
                self.leave()
            raise

    def leave(self) -> None:
        """Hand the slot to the other line's first, or this one's, or nobody."""
        self._turn = 1 - self._turn
        for line in (self._lines[self._turn], self._lines[1 - self._turn]):
            while line:
                slot = line.popleft()
                if not slot.done():
                    slot.set_result(None)
                    return
        self._free += 1
