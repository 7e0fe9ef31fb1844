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
from core.wishes import Wish


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
    #: What a booking of the waiting list asked for; which of its wishes was granted.
    wish: Book | None = None
    granted: int | None = None

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
        found = self._first(book, at_ms) if nobody_is_due else "SOLD_OUT"
        if withdrawn:
            kept = Kept(book.user_id, (), "CANCELLED")
        elif overdue or 0 < book.give_up_after_ms < decided_ms - at_ms:
            kept = Kept(book.user_id, (), "FAILED", "EXPIRED_IN_QUEUE")
        elif not self.on_sale:
            kept = Kept(book.user_id, (), "FAILED", "SHOW_CLOSED")
        elif not self._within_limit(book, at_ms):
            kept = Kept(book.user_id, (), "FAILED", "LIMIT_REACHED")
        elif isinstance(found, str):
            kept = Kept(book.user_id, (), "FAILED", found)
            if book.waiting and found != "PRICE_CHANGED" and self._could_ever(book, at_ms):
                kept = Kept(book.user_id, (), "WAITING", wish=book)
        else:
            seats = book.ranked[found].seats or chosen
            self._take(book.ranked[found], seats, at_ms)
            held = ("HELD", None, decided_ms + self.hold_ms)
            kept = Kept(book.user_id, seats, *(held if book.hold else ("CONFIRMED",)), granted=found)
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
            found = self._first(kept.wish, at_ms, limited=False)
            if isinstance(found, str) and found != "PRICE_CHANGED":
                continue
            if left == most:
                return False
            left += 1
            if isinstance(found, str):
                kept.state, kept.reason = "FAILED", found
                continue
            wish = kept.wish.ranked[found]
            if self.seats_of(kept.user_id, at_ms) + wish.wanted > self.limit:
                kept.state, kept.reason = "FAILED", "LIMIT_REACHED"
                continue
            seats = wish.seats or self.chosen(id_)
            self._take(wish, seats, at_ms)
            kept.seats, kept.state, kept.granted = seats, "HELD", found
            kept.deadline_ms = decided_ms + self.hold_ms
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

    def _first(self, book: Book, at_ms: int, *, limited: bool = True) -> int | str:
        """Return which of a Book's wishes can be granted first, or why none can: the reason of the last."""
        reason: str | None = None
        for index, wish in enumerate(book.ranked):
            if limited and self.seats_of(book.user_id, at_ms) + wish.wanted > self.limit:
                reason = "LIMIT_REACHED"
                continue
            reason = self._refusal(wish, self.free(at_ms))
            if reason is None:
                return "PRICE_CHANGED" if self._costs_something_else(wish) else index
        assert reason is not None, "a Book has a wish"
        return reason

    def _refusal(self, wish: Wish, free: set[str]) -> str | None:
        """Return why a wish cannot be granted from these seats; None if it can."""
        if wish.seats:
            return None if set(wish.seats) <= free else "SEAT_TAKEN"
        offered = free & self._asked(wish)
        if len(offered) < wish.quantity:
            return "SOLD_OUT"
        return "NOT_TOGETHER" if wish.together and not _has_run(offered, wish.quantity) else None

    def _asked(self, wish: Wish) -> set[str]:
        """Return the seats of a wish's category and prices."""
        most = float("inf") if wish.max_price_cents is None else wish.max_price_cents
        return {
            seat
            for seat, category in self.categories.items()
            if wish.category in (None, category) and wish.min_price_cents <= self.prices[category] <= most
        }

    def _costs_something_else(self, wish: Wish) -> bool:
        """Return whether named seats cost something else than expected. The tests expect nothing of other seats."""
        cost = sum(self.prices[self.categories[seat]] for seat in wish.seats)
        return wish.expected_amount_cents not in (None, cost)

    def _within_limit(self, book: Book, at_ms: int) -> bool:
        """Return whether the user's limit allows any of a Book's wishes."""
        has = self.seats_of(book.user_id, at_ms)
        return any(has + wish.wanted <= self.limit for wish in book.ranked)

    def _could_ever(self, book: Book, at_ms: int) -> bool:
        """Return whether the empty hall could meet a wish of a Book that its user's limit allows."""
        has = self.seats_of(book.user_id, at_ms)
        wishes = [wish for wish in book.ranked if has + wish.wanted <= self.limit]
        return any(self._refusal(wish, set(self.categories)) is None for wish in wishes)

    def _take(self, wish: Wish, seats: tuple[str, ...], at_ms: int) -> None:
        """Check that a wish may have these seats, and end the lapsed holds that own some of them."""
        assert len(seats) == wish.wanted, "somebody got too few seats, or was passed over"
        allowed = set(wish.seats) or self._asked(wish)
        assert set(seats) <= self.free(at_ms) & allowed, "seats were chosen that are not free, or not asked for"
        assert not wish.together or _has_run(set(seats), len(seats)), "they are not together"
        self._expire(at_ms, {id_ for id_, b in self.bookings.items() if set(b.seats) & set(seats)})

    def _live(self, kept: Kept, at_ms: int) -> bool:
        return kept.state == "CONFIRMED" or (kept.state == "HELD" and kept.deadline_ms > at_ms)

    def _expire(self, at_ms: int, ids: set[UUID]) -> None:
        for id_ in ids & self.bookings.keys():
            kept = self.bookings[id_]
            if kept.state == "HELD" and kept.deadline_ms <= at_ms:
                kept.state, kept.reason = "FAILED", "HOLD_EXPIRED"


def _has_run(seats: set[str], length: int) -> bool:
    """Return whether `length` of these seats are adjacent: of one row (a letter), with consecutive numbers."""
    return any(all(f"{seat[0]}{int(seat[1:]) + step}" in seats for step in range(length)) for seat in seats)
