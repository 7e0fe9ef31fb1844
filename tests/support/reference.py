"""A second implementation of the booking rules, as simple as possible, to compare `decide` and the whole system with.

No loading, no counters, no indexes: one dict of bookings, searched from the beginning each time. Where the product
may choose (the best seats), the reference takes its choice, and only checks whether it was allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from core.operations import Book
from core.waiting import OFFERS_MAX


@dataclass
class Kept:
    """A booking: HELD until `deadline_ms`, WAITING for what its `wish` says, CONFIRMED, CANCELLED, or FAILED with a
    reason."""

    user_id: UUID
    seats: tuple[str, ...]
    state: str
    reason: str | None = None
    deadline_ms: int = 0
    #: What each of its seats cost; the seats that were given back; whether its hold was extended.
    prices: dict[str, int] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    extended: bool = False
    wish: Book | None = None

    @property
    def amount(self) -> int:
        """Return what its seats cost together."""
        return sum(self.prices[seat] for seat in self.seats)


@dataclass
class Reference:
    """One show. `categories`: seat -> category. Times are accepted times; a hold's time starts at `decided_ms`.

    `chosen`: the seats that the product has given to a booking of the waiting list.
    """

    categories: Mapping[str, str]
    limit: int
    hold_ms: int
    prices: dict[str, int]
    extension_ms: int = 0
    on_sale: bool = True
    closed: bool = False
    bookings: dict[UUID, Kept] = field(default_factory=dict)
    chosen: Callable[[UUID], tuple[str, ...]] = lambda _: ()

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

        `chosen`: what the product chose, if it names no seats.   `withdrawn`: its Cancel was accepted before.
        `overdue`: it has waited in the lane for too long."""
        if book.booking_id in self.bookings:
            return
        nobody_is_due = self.offer(at_ms, decided_ms)
        wanted = len(book.seats) or book.quantity
        offered = self._offered(book, at_ms) if nobody_is_due else set()
        if withdrawn:
            kept = Kept(book.user_id, (), "CANCELLED")
        elif overdue or 0 < book.give_up_after_ms < decided_ms - at_ms:
            kept = Kept(book.user_id, (), "FAILED", "EXPIRED_IN_QUEUE")
        elif not self.on_sale:
            kept = Kept(book.user_id, (), "FAILED", "SHOW_CLOSED")
        elif self.seats_of(book.user_id, at_ms) + wanted > self.limit:
            kept = Kept(book.user_id, (), "FAILED", "LIMIT_REACHED")
        elif not self._meets(book, offered):
            kept = Kept(book.user_id, (), "FAILED", "SEAT_TAKEN" if book.seats and nobody_is_due else "SOLD_OUT")
            if book.waiting and self._meets(book, self._all(book)):
                kept = Kept(book.user_id, (), "WAITING", wish=book)
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
        if id_ in self.bookings and self.bookings[id_].state in ("HELD", "WAITING", "CONFIRMED"):
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
        if self.closed:
            waiting = [kept for kept in self.bookings.values() if kept.state == "WAITING"]
            for kept in waiting[: max(0, limit - len(lapsed))]:
                kept.state, kept.reason = "FAILED", "SHOW_CLOSED"

    def offer(self, at_ms: int, decided_ms: int, most: int = OFFERS_MAX) -> bool:
        """Offer free seats to those who wait, in order; return False if some are still due to them.

        At most `most` leave the list.
        """
        left = 0
        for id_, kept in list(self.bookings.items()):
            if kept.state != "WAITING" or kept.wish is None:
                continue
            if not self.on_sale:
                return False
            wish, offered = kept.wish, self._offered(kept.wish, at_ms)
            if not self._meets(wish, offered):
                continue
            if left == most:
                return False
            left += 1
            wanted = len(wish.seats) or wish.quantity
            if self.seats_of(kept.user_id, at_ms) + wanted > self.limit:
                kept.state, kept.reason = "FAILED", "LIMIT_REACHED"
                continue
            seats = wish.seats or self.chosen(id_)
            assert len(seats) == wanted, "somebody who waits was passed over"
            assert set(seats) <= offered
            self._expire(at_ms, {other for other, b in self.bookings.items() if set(b.seats) & set(seats)})
            kept.seats, kept.state, kept.deadline_ms = seats, "HELD", decided_ms + self.hold_ms
            kept.prices = {seat: self.prices[self.categories[seat]] for seat in seats}
        return True

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

    def _all(self, book: Book) -> set[str]:
        """Return the seats of a Book's category."""
        return {seat for seat in self.categories if book.category in (None, self.categories[seat])}

    def _offered(self, book: Book, at_ms: int) -> set[str]:
        return self.free(at_ms) & self._all(book)

    def _meets(self, book: Book, offered: set[str]) -> bool:
        """Return whether a Book can be granted from these seats."""
        return set(book.seats) <= offered if book.seats else len(offered) >= book.quantity

    def _live(self, kept: Kept, at_ms: int) -> bool:
        return kept.state == "CONFIRMED" or (kept.state == "HELD" and kept.deadline_ms > at_ms)

    def _expire(self, at_ms: int, ids: set[UUID]) -> None:
        for id_ in ids & self.bookings.keys():
            kept = self.bookings[id_]
            if kept.state == "HELD" and kept.deadline_ms <= at_ms:
                kept.state, kept.reason = "FAILED", "HOLD_EXPIRED"
