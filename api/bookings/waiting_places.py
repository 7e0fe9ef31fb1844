"""Places in waiting lists: how many are ahead of a booking. Read from Postgres once a second per show at most.

Nothing is published when somebody leaves a list: every place behind would change. Each process reads the numbers of
those who wait instead, when one of them asks.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine

from api.bookings.status_body import waiting_number
from api.web.errors import Busy
from api.web.threads import Runs
from core.bookings import Booking, Status
from core.errors import PostgresUnavailable
from core.ids import show_of
from core.recent import Recent
from db.postgres import waiting
from db.postgres.engine import transaction

#: Seconds for which the numbers of a list are used.
FRESH_S = 1.0
#: Numbers of all lists that a process keeps, four bytes each.
NUMBERS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class ListNumbers:
    """The numbers of those who wait, in order, and the last number given, at one moment."""

    numbers: array[int]
    last: int
    read_s: float = field(default_factory=time.monotonic)

    def place(self, number: int) -> int | None:
        """Return the place of a waiting booking, from 1; None if it has left the list."""
        ahead = bisect_left(self.numbers, number)
        there = ahead < len(self.numbers) and self.numbers[ahead] == number
        return ahead + 1 if there or number > self.last else None


class WaitingLists:
    """The lists of which one api process knows the numbers. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: Recent[int, ListNumbers] = Recent(NUMBERS_MAX, lambda known: 100 + len(known.numbers))

    def known(self, show_id: int) -> ListNumbers | None:
        """Return a show's list as it was less than FRESH_S ago; None if it must be read."""
        found = self._known.get(show_id)
        return found if found is not None and time.monotonic() - found.read_s < FRESH_S else None

    def read(self, show_id: int) -> ListNumbers:
        """Read a show's list; blocks. Raises: PostgresUnavailable."""
        with transaction(self._engine) as connection:
            numbers, last = waiting.numbers(connection, show_id)
        found = ListNumbers(array("i", numbers), last)
        self._known.put(show_id, found)
        return found


class WaitingPlaces:
    """Finds the places of bookings, for the service: on its event loop, without blocking it."""

    def __init__(self, lists: WaitingLists, threads: Runs) -> None:
        self._lists = lists
        self._threads = threads

    async def of_fields(self, booking_id: UUID, fields: dict[str, str]) -> tuple[int | None, bool]:
        """Return the place of the booking with this status hash, and whether it has left the list meanwhile.

        The place is None if the booking does not wait, or Postgres cannot be asked.
        """
        number = waiting_number(fields)
        if number is None:
            return None, False
        try:
            place = await self._find(show_of(booking_id), number)
        except (PostgresUnavailable, Busy):
            return None, False
        return place, place is None

    async def of_booking(self, booking: Booking) -> int | None:
        """Return the place of a booking read from Postgres; None as in `of_fields`."""
        if booking.status is not Status.WAITING or booking.waiting_number is None:
            return None
        try:
            return await self._find(booking.show_id, booking.waiting_number)
        except (PostgresUnavailable, Busy):
            return None

    async def _find(self, show_id: int, number: int) -> int | None:
        known = self._lists.known(show_id)
        if known is None:
            known = await self._threads.once(self._lists.read, show_id)
        return known.place(number)
