"""The waiting list of one show: bookings that own no seats yet, in the order in which they joined it.

Whenever seats become free, the operation that frees them offers them to the list (core/decide_waiting.py). `due` only
saves work: it says whether anything has changed since the last look at the list that could serve somebody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from core.bookings import Booking
from core.operations import Book, Expire, Operation, dump, load

#: How many of those who cannot be served an offer looks past: beyond, nobody is offered anything.
WINDOW = 100
#: The most that one operation may take from the list by its offers; an Expire takes up to its limit.
OFFERS_MAX = 10


def offers_of(operation: Operation) -> int:
    """Return how many bookings may leave the list by the offers of one operation."""
    return operation.limit if isinstance(operation, Expire) else OFFERS_MAX


#: What a wish leaves out of its Book: ids, and what counts only while the Book is queued.
_NOT_WISHED = frozenset(
    {"v", "kind", "booking_id", "show_id", "user_id", "fingerprint", "hold", "give_up_after_ms", "waiting"}
)


class WaitingList:
    """The list as far as it is loaded: its first bookings by number. Only `decide` changes it."""

    def __init__(
        self, bookings: Iterable[Booking] = (), *, count: int = 0, last: int = 0, unfinished: bool = False
    ) -> None:
        """Args: bookings: the first ones, by number.   count: of all of them.   last: the last number given.
        unfinished: seats may be due to somebody although no operation has freed any since."""
        self.count = count
        self.last = last
        self.unfinished = unfinished
        self.due = True
        #: The show's row must be updated.
        self.changed = False
        self._bookings: dict[int, Booking] = {}
        for booking in bookings:
            assert booking.waiting_number is not None  # bookings_waiting_has_number
            self._bookings[booking.waiting_number] = booking

    def __iter__(self) -> Iterator[Booking]:
        """Yield the loaded bookings by number. The list may change meanwhile."""
        return iter(list(self._bookings.values()))

    @property
    def whole(self) -> bool:
        """Return whether every booking of the list is loaded."""
        return len(self._bookings) == self.count

    def join(self, booking: Booking) -> None:
        """Give a booking the next number, and add it at the end."""
        self.last += 1
        booking.waiting_number = self.last
        self._bookings[self.last] = booking
        self.count += 1
        self.changed = True

    def leave(self, booking: Booking) -> None:
        """Remove a booking. Others move up, so somebody may be served now."""
        assert booking.waiting_number is not None
        self._bookings.pop(booking.waiting_number, None)  # it may be further back than what is loaded
        self.count -= 1
        self.changed = self.due = True

    def finished(self, complete: bool) -> None:
        """Note that the list was looked through, and whether to the end."""
        self.due = not complete
        if self.unfinished is complete:
            self.unfinished, self.changed = not complete, True


def wish_of(operation: Book) -> dict[str, Any]:
    """Return what a Book wants, as JSON, to keep with its booking while it waits."""
    values: dict[str, Any] = json.loads(dump(operation))
    return {name: value for name, value in values.items() if name not in _NOT_WISHED}


def wished(booking: Booking) -> Book:
    """Return the Book that a waiting booking stands for. What it gets is a hold."""
    ids = {"booking_id": str(booking.id), "show_id": booking.show_id, "user_id": str(booking.user_id)}
    kept = {"v": 1, "kind": "BOOK", "fingerprint": booking.fingerprint, "hold": True, **ids, **(booking.wish or {})}
    operation = load(json.dumps(kept))
    assert isinstance(operation, Book)
    return operation
