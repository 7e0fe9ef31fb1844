"""The load's administrator: changes prices, pauses and resumes sales, and cancels a show of each group."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from proof.chaos.own_bookings import PRICES
from proof.chaos.record import Call

#: Seconds between two acts, for which a sale is paused, and between two attempts.
EVERY_S, PAUSED_S, AGAIN_S = 1.0, 1.0, 0.5
#: The share of acts that pause a sale; the others change prices. And attempts until an act is given up.
PAUSES, ATTEMPTS = 0.3, 6
#: The part of its time after which the last show of a group is cancelled.
CANCELLED_AFTER = 0.7

#: Sends a method, path and body for a show; the last argument is its operation's `changes`.
Send = Callable[[str, str, dict[str, Any] | None, int, dict[str, Any]], Awaitable[Call]]


class Administrator:
    """One act after the other. What is refused because a show is closed is not repeated."""

    def __init__(self, send: Send, draws: random.Random) -> None:
        self._send = send
        self._random = draws
        self._cancelled = set[int]()

    async def run(self, stop: asyncio.Event, now: Callable[[], tuple[tuple[int, ...], float]]) -> None:
        """Act until `stop` is set. `now`: the shows that are booked, and which part of their time has passed."""
        while not stop.is_set():
            shows, part = now()
            if part > CANCELLED_AFTER and shows[-1] not in self._cancelled:
                self._cancelled.add(shows[-1])
                await self._act(stop, "DELETE", shows[-1], {"state": "CLOSED", "cancelled": True})
            show = self._random.choice(shows)
            if self._random.random() < PAUSES:
                await self._act(stop, "PATCH", show, {"state": "PAUSED"})
                await _sleep(stop, PAUSED_S)
                await self._act(stop, "PATCH", show, {"state": "ON_SALE"})
            else:
                await self._act(stop, "PATCH", show, {"prices": self._random.choice(PRICES)})
            await _sleep(stop, EVERY_S)

    async def _act(self, stop: asyncio.Event, method: str, show: int, changes: dict[str, Any]) -> None:
        path = f"/api/shows/{show}" + ("?cancel_bookings=true" if method == "DELETE" else "")
        for _ in range(ATTEMPTS):
            call = await self._send(method, path, None if method == "DELETE" else changes, show, changes)
            if 200 <= call.code < 500 or stop.is_set():
                return
            await _sleep(stop, AGAIN_S)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
