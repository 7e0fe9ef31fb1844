"""A second implementation of the booking rules, as simple as possible, to compare `decide` and the whole system with.

No loading, no counters, no indexes: one dict of bookings, searched from the beginning each time. Where the product
may choose (the best seats), the reference takes its choice, and only checks whether it was allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from core.operations import Book


@dataclass
class Kept:
    """A booking: HELD until `deadline_ms`, CONFIRMED, CANCELLED, or FAILED with a reason."""

    user_id: UUID
    seats: tuple[str, ...]
    state: str
    reason: str | None = None
    deadline_ms: int = 0
    #: What each of its seats cost; the seats that were given back; whether its hold was extended.
    prices: dict[str, int] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    extended: bool = False

    @property
    def amount(self) -> int:
        """Return what its seats cost together."""
        return sum(self.prices[seat] for seat in self.seats)


@dataclass
class Reference:
    """One show. `categories`: seat -> category. Times are accepted times; a hold's time starts at `decided_ms`."""

    categories: Mapping[str, str]
    limit: int
    hold_ms: int
    prices: dict[str, int]
    extension_ms: int = 0
    on_sale: bool = True
    closed: bool = False
    bookings: dict[UUID, Kept] = field(default_factory=dict)

    def free(self, at_ms: int) -> set[str]:
        """Return the seats that are free at this time: not owned, or of a hold that has lapsed."""
        live = (kept for kept in self.bookings.values() if self._live(kept, at_ms))
        return set(self.categories) - {seat for kept in live for seat in kept.seats}

    def seats_of(self, user_id: UUID, at_ms: int) -> int:
        """Return the number of seats that count against a user's limit."""
        return sum(len(b.seats) for b in self.bookings.values() if b.user_id == user_id and self._live(b, at_ms))

    def book(
        self,
        book: Book,
        at_ms: int,
        decided_ms: int,
        chosen: tuple[str, ...],
        *,
        withdrawn: bool = False,
        overdue: bool = False,
    ) -> None:
        """Decide a Book.

        `chosen`: the seats that the product chose, if it names none.   `withdrawn`: its Cancel was accepted before.
        `overdue`: it has waited in the lane for too long.
        """
        if book.booking_id in self.bookings:
            return
        free, wanted = self.free(at_ms), len(book.seats) or book.quantity
        offered = {seat for seat in free if book.category in (None, self.categories[seat])}
        if withdrawn:
            kept = Kept(book.user_id, (), "CANCELLED")
        elif overdue or 0 < book.give_up_after_ms < decided_ms - at_ms:
            kept = Kept(book.user_id, (), "FAILED", "EXPIRED_IN_QUEUE")
        elif not self.on_sale:
            kept = Kept(book.user_id, (), "FAILED", "SHOW_CLOSED")
        elif self.seats_of(book.user_id, at_ms) + wanted > self.limit:
            kept = Kept(book.user_id, (), "FAILED", "LIMIT_REACHED")
        elif book.seats and not set(book.seats) <= free:
            kept = Kept(book.user_id, (), "FAILED", "SEAT_TAKEN")
        elif len(offered) < wanted:
            kept = Kept(book.user_id, (), "FAILED", "SOLD_OUT")
        else:
            seats = book.seats or chosen
            assert len(seats) == wanted
            assert set(seats) <= offered, "seats were chosen that are not free, or not of the category"
            self._expire(at_ms, {id_ for id_, b in self.bookings.items() if set(b.seats) & set(seats)})
            held = ("HELD", None, decided_ms + self.hold_ms)
            kept = Kept(book.user_id, seats, *(held if book.hold else ("CONFIRMED",)))
            kept.prices = {seat: self.prices[self.categories[seat]] for seat in seats}
        self.bookings[book.booking_id] = kept

    def confirm(self, id_: UUID, at_ms: int) -> None:
        """Decide a Confirm. Only its accepted time `at_ms` counts, however long it was queued."""
        self._expire(at_ms, {id_})
        if id_ in self.bookings and self.bookings[id_].state == "HELD":
            self.bookings[id_].state = "CONFIRMED"

    def cancel(self, id_: UUID, at_ms: int) -> None:
        """Decide a Cancel. A lapsed hold can no longer be cancelled: it has failed."""
        self._expire(at_ms, {id_})
        if id_ in self.bookings and self.bookings[id_].state in ("HELD", "CONFIRMED"):
            self.bookings[id_].state = "CANCELLED"

    def extend(self, id_: UUID, at_ms: int) -> None:
        """Decide an Extend."""
        self._expire(at_ms, {id_})
        kept = self.bookings.get(id_)
        if kept and kept.state == "HELD" and not kept.extended and self.extension_ms:
            kept.deadline_ms, kept.extended = kept.deadline_ms + self.extension_ms, True

    def release(self, id_: UUID, seats: tuple[str, ...], at_ms: int) -> None:
        """Decide a Release: all of the named seats that it has go, unless it has never had one of them."""
        self._expire(at_ms, {id_})
        kept = self.bookings.get(id_)
        if not kept or kept.state not in ("HELD", "CONFIRMED") or set(seats) - set(kept.seats) - kept.released:
            return
        if set(kept.seats) <= set(seats):
            kept.state = "CANCELLED"
            return
        kept.released |= set(kept.seats) & set(seats)
        kept.seats = tuple(seat for seat in kept.seats if seat not in seats)

    def expire(self, at_ms: int, limit: int) -> None:
        """Decide an Expire: fail the `limit` lapsed holds with the earliest deadlines."""
        lapsed = [id_ for id_, b in self.bookings.items() if b.state == "HELD" and b.deadline_ms <= at_ms]
        lapsed.sort(key=lambda id_: (self.bookings[id_].deadline_ms, id_.bytes))
        self._expire(at_ms, set(lapsed[:limit]))

    def change(
        self, *, limit: int | None = None, state: str | None = None, prices: dict[str, int] | None = None
    ) -> None:
        """Decide a ChangeShow: set new settings, unless the show is closed."""
        if self.closed:
            return
        self.prices = prices or self.prices
        self.limit = limit or self.limit
        if state:
            self.on_sale, self.closed = state == "ON_SALE", state == "CLOSED"

    def _live(self, kept: Kept, at_ms: int) -> bool:
        return kept.state == "CONFIRMED" or (kept.state == "HELD" and kept.deadline_ms > at_ms)

    def _expire(self, at_ms: int, ids: set[UUID]) -> None:
        for id_ in ids & self.bookings.keys():
            kept = self.bookings[id_]
            if kept.state == "HELD" and kept.deadline_ms <= at_ms:
                kept.state, kept.reason = "FAILED", "HOLD_EXPIRED"
