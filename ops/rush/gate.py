"""Limits the number of concurrent requests; those that wait for a slot are in two queues, served in turn.

Arriving buyers wait in one queue, requests of buyers already accepted in the other. With a single queue, the first
buyers would see their outcome only after the last buyer has arrived: a delay by the client, not by the server.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """A semaphore of `slots` slots with two queues. For one event loop."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._queues: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())
        self._turn = 0

    async def enter(self, queue: int) -> None:
        """Wait in queue 0 or 1 for a slot, and take it. If cancelled while waiting, take none."""
        if self._free:
            self._free -= 1
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[queue].append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                # The slot was handed over just before the cancellation.
                self.leave()
            raise

    def leave(self) -> None:
        """Return a slot: hand it to the first request of the queue whose turn it is, else of the other one."""
        self._turn = 1 - self._turn
        for queue in (self._queues[self._turn], self._queues[1 - self._turn]):
            while queue:
                slot = queue.popleft()
                if not slot.done():
                    slot.set_result(None)
                    return
        self._free += 1
