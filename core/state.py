"""What decide knows of one show while it decides, and what it has changed so far.

Loaded from Postgres under the lane's lock (workers/load_state.py), or rebuilt by the replay. It is a working copy:
if the transaction fails it is thrown away. Seats and bookings that were not loaded are not in it, and asking
for one is a bug that raises KeyError.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from uuid import UUID

from core.bookings import Booking, Status
from core.seat_owners import Owners
from core.seats import FreeSeats
from core.shows import Show


class ShowState:
    """One show: its settings, owners of seats, bookings, counters. `decide` is the only one to change it."""

    def __init__(
        self,
        show: Show,
        *,
        owners: Owners,
        bookings: Iterable[Booking],
        held: int,
        sold: int,
        free: FreeSeats | None = None,
        now_ms: int = 0,
    ) -> None:
        """`owners` (of the seats that are loaded) and `free` (as of `now_ms`, if known) are changed in place."""
        self.show = show
        self.owners = owners
        self.bookings = {booking.id: booking for booking in bookings}
        self.held = held
        self.sold = sold
        self.settings_changed = False
        #: Owner of each changed seat before the first change: what the recording statement must still find.
        self.owners_before: dict[str, UUID | None] = {}
        #: Bookings to be recorded, in the order of their first change; False: not yet in the table.
        self.recorded: dict[UUID, bool] = {}
        self._known = set(self.bookings)
        self._live: dict[UUID, set[UUID]] = {}
        self._deadlines: list[tuple[int, bytes]] = []
        self.free_seats = free
        self.now_ms = now_ms
        for booking in self.bookings.values():
            self._follow(booking)
            if booking.live:
                # Its seats are its own: recording them checks that, seat by seat.
                self.owners.update(dict.fromkeys(booking.seats, booking.id))

    @property
    def changed(self) -> bool:
        """Whether the show's own row must be updated."""
        return bool(self.owners_before) or self.settings_changed

    def advance(self, at_ms: int) -> None:
        """Time is now `at_ms`: the seats of holds that have lapsed by then are free to take.

        Time falls only when Redis lives anew with a clock that is behind: then what had lapsed has not yet.
        """
        if at_ms < self.now_ms:
            self.free_seats = None
            for booking in self.bookings.values():
                self._follow(booking)
        self.now_ms = at_ms
        while self._deadlines and self._deadlines[0][0] <= at_ms:
            booking = self.bookings[UUID(bytes=heapq.heappop(self._deadlines)[1])]
            if self.free_seats is not None and booking.lapsed(at_ms):
                for label in booking.seats:
                    self.free_seats.release(label)

    def is_free(self, label: str, at_ms: int) -> bool:
        """Whether the seat can be taken at `at_ms`: nobody's, or of a lapsed hold."""
        owner = self.owners[label]
        return owner is None or (owner in self.bookings and self.bookings[owner].lapsed(at_ms))

    def best(self, quantity: int, category: str | None, at_ms: int) -> tuple[str, ...] | None:
        """The best free seats (core/seats.py). Needs the owner of every seat of the show."""
        if self.free_seats is None:
            assert self.owners.whole
            taken = (seat for seat in self.owners if not self.is_free(seat, at_ms))
            self.free_seats = FreeSeats(self.show.hall, taken)
        return self.free_seats.best(quantity, category)

    def seats_of_user(self, user_id: UUID, at_ms: int) -> int:
        """How many seats a person has at this show; those of lapsed holds do not count."""
        bookings = (self.bookings[id_] for id_ in self._live.get(user_id, ()))
        return sum(len(booking.seats) for booking in bookings if not booking.lapsed(at_ms))

    def first_deadline_of_user(self, user_id: UUID, at_ms: int) -> int | None:
        """When the first of a person's holds ends, ms; None if there is none."""
        bookings = (self.bookings[id_] for id_ in self._live.get(user_id, ()))
        deadlines = (booking.expires_ms for booking in bookings if not booking.lapsed(at_ms))
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def lapsed_holds(self, at_ms: int) -> list[Booking]:
        """Every loaded hold that has lapsed by `at_ms`, by deadline and id."""
        lapsed = (booking for booking in self.bookings.values() if booking.lapsed(at_ms))
        return sorted(lapsed, key=lambda booking: (booking.expires_ms, booking.id.bytes))

    def put(self, booking: Booking) -> None:
        """Record this booking with the batch: a new one, or one that has changed."""
        self.bookings[booking.id] = booking
        self.recorded.setdefault(booking.id, booking.id in self._known)
        self._follow(booking)

    def give(self, booking: Booking) -> None:
        """Its seats now belong to this booking, held or sold."""
        for label in booking.seats:
            self._own(label, booking.id)
            if self.free_seats is not None:
                self.free_seats.take(label)
        self._count(booking.status, len(booking.seats))

    def take_back(self, booking: Booking) -> None:
        """Its seats are nobody's. To be called while its status still tells what they were."""
        for label in booking.seats:
            self._own(label, None)
            if self.free_seats is not None:
                self.free_seats.release(label)
        self._count(booking.status, -len(booking.seats))

    def sell(self, booking: Booking) -> None:
        """Its held seats are sold: same owner, other counter."""
        for label in booking.seats:
            self._own(label, booking.id)
        self.held -= len(booking.seats)
        self.sold += len(booking.seats)

    def _own(self, label: str, owner: UUID | None) -> None:
        self.owners_before.setdefault(label, self.owners[label])
        self.owners[label] = owner

    def _count(self, status: Status, seats: int) -> None:
        if status is Status.PENDING:
            self.held += seats
        else:
            self.sold += seats

    def _follow(self, booking: Booking) -> None:
        live = self._live.setdefault(booking.user_id, set())
        if booking.live:
            live.add(booking.id)
        else:
            live.discard(booking.id)
        if booking.expires_ms is not None:
            heapq.heappush(self._deadlines, (booking.expires_ms, booking.id.bytes))
