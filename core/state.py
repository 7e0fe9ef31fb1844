"""The working copy of one show that `decide` reads and changes, with a record of what has changed.

Loaded from Postgres under the lane's lock (workers/load_state.py), or rebuilt by the replay; discarded if the
transaction fails. Reading a seat that was not loaded is a bug and raises KeyError, unless all owners are loaded. A
booking that was not loaded counts as absent, or as live if it owns a seat: load_state.py must load every lapsed hold
that matters.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from uuid import UUID

from core.bookings import Booking, Status
from core.seat_owners import Owners
from core.seats import FreeSeats, Pick
from core.shows import Show
from core.waiting import WaitingList


class ShowState:
    """One show: its settings, owners of seats, bookings and counters. Only `decide` changes it.

    Read by decide:         is_free, full, best, seats_of_user, lapsed_holds, live_bookings
    Changed by decide:      advance; assign_seats, sell_held_seats, extend_held_seats, release_seats; put; waiting
    Written to Postgres:    the bookings in `to_record`, the seats in `owners_before`, the show's row if `changed`
    """

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
        waiting: WaitingList | None = None,
    ) -> None:
        """`owners` (of the loaded seats) and `free` (free seats as of `now_ms`, if known) are changed in place."""
        self.show = show
        self.owners = owners
        self.bookings = {booking.id: booking for booking in bookings}
        self.held = held
        self.sold = sold
        self.settings_changed = False
        #: Owner of each changed seat before its first change. The UPDATE that records the seat requires this owner.
        self.owners_before: dict[str, UUID | None] = {}
        #: Bookings to record, in the order of their first change; False: insert, True: update.
        self.to_record: dict[UUID, bool] = {}
        self._loaded = set(self.bookings)
        #: Live bookings of each user.
        self._live: dict[UUID, set[UUID]] = {}
        #: Heap of holds by (deadline in ms, booking id), to find those that lapse as time advances.
        self._deadlines: list[tuple[int, bytes]] = []
        self.free_seats = free
        self.waiting = waiting or WaitingList()
        self.now_ms = now_ms
        for booking in self.bookings.values():
            self._index(booking)
            if booking.live:
                # Not read from `seats`, but true: a wrong owner would be noticed when the seat is recorded.
                self.owners.update(dict.fromkeys(booking.seats, booking.id))

    @property
    def changed(self) -> bool:
        """True if the show's own row must be updated."""
        return bool(self.owners_before) or self.settings_changed or self.waiting.changed

    def advance(self, at_ms: int) -> None:
        """Set the time to `at_ms`: the seats of holds that have lapsed by then become free.

        Time goes back only if Redis was restarted empty with a clock that is behind: some holds have then not lapsed
        any more, so the free seats are computed again when they are needed.
        """
        if at_ms < self.now_ms:
            self.free_seats = None
            for booking in self.bookings.values():
                self._index(booking)
        self.now_ms = at_ms
        while self._deadlines and self._deadlines[0][0] <= at_ms:
            booking = self.bookings[UUID(bytes=heapq.heappop(self._deadlines)[1])]
            self.waiting.due = True
            if self.free_seats is not None and booking.lapsed(at_ms):
                for label in booking.seats:
                    self.free_seats.mark_free(label)

    def is_free(self, label: str, at_ms: int) -> bool:
        """Return whether the seat can be booked at `at_ms`: it is nobody's, or its hold has lapsed."""
        owner = self.owners[label]
        return owner is None or (owner in self.bookings and self.bookings[owner].lapsed(at_ms))

    def full(self, at_ms: int) -> bool:
        """Return whether no seat can be booked at `at_ms`. Needs every lapsed hold of the show."""
        return self.held + self.sold == self.show.hall.capacity and not self.lapsed_holds(at_ms)

    def best(
        self, quantity: int, pick: Pick, at_ms: int, *, together: bool = False, rules: int = 0
    ) -> tuple[str, ...] | None:
        """Return the best free seats (core/seats.py); None if too few. Needs the owner of every seat of the show."""
        return self._free(at_ms).best(quantity, pick, together=together, rules=rules)

    def count_free(self, pick: Pick, at_ms: int) -> int:
        """Return how many seats of `pick` are free. Needs the owner of every seat of the show."""
        return self._free(at_ms).count(pick)

    def _free(self, at_ms: int) -> FreeSeats:
        if self.free_seats is None:
            assert self.owners.whole
            taken = (seat for seat in self.owners if not self.is_free(seat, at_ms))
            self.free_seats = FreeSeats(self.show.hall, taken)
        return self.free_seats

    def seats_of_user(self, user_id: UUID, at_ms: int) -> int:
        """Return how many seats a user has at this show, without those of lapsed holds."""
        bookings = (self.bookings[id_] for id_ in self._live.get(user_id, ()))
        return sum(len(booking.seats) for booking in bookings if not booking.lapsed(at_ms))

    def first_deadline_of_user(self, user_id: UUID, at_ms: int) -> int | None:
        """Return when the first of a user's holds ends, ms; None if the user has none."""
        bookings = (self.bookings[id_] for id_ in self._live.get(user_id, ()))
        deadlines = (booking.expires_ms for booking in bookings if not booking.lapsed(at_ms))
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def lapsed_holds(self, at_ms: int) -> list[Booking]:
        """Return every loaded hold that has lapsed by `at_ms`, by deadline and id."""
        lapsed = (booking for booking in self.bookings.values() if booking.lapsed(at_ms))
        return sorted(lapsed, key=lambda booking: (booking.expires_ms, booking.id.bytes))

    def live_bookings(self) -> list[Booking]:
        """Return every loaded booking that owns seats, by user and id."""
        live = (booking for booking in self.bookings.values() if booking.live)
        return sorted(live, key=lambda booking: (booking.user_id.bytes, booking.id.bytes))

    def put(self, booking: Booking) -> None:
        """Have a new or changed booking recorded with the batch."""
        self.bookings[booking.id] = booking
        self.to_record.setdefault(booking.id, booking.id in self._loaded)
        self._index(booking)

    def assign_seats(self, booking: Booking) -> None:
        """Make the booking the owner of its seats, and count them as held or sold by its status."""
        for label in booking.seats:
            self._set_owner(label, booking.id)
            if self.free_seats is not None:
                self.free_seats.mark_taken(label)
        self._count(booking.status, len(booking.seats))

    def release_seats(self, booking: Booking, seats: Sequence[str] | None = None) -> None:
        """Make the booking's seats (or `seats`, some of them) nobody's.

        Call this before its status changes: the status chooses the counter.
        """
        self.waiting.due = True
        gone = booking.seats if seats is None else seats
        for label in gone:
            self._set_owner(label, None)
            if self.free_seats is not None:
                self.free_seats.mark_free(label)
        self._count(booking.status, -len(gone))

    def extend_held_seats(self, booking: Booking) -> None:
        """Have the seats of a hold recorded, and published as taken until its new deadline. The owner stays."""
        for label in booking.seats:
            self._set_owner(label, booking.id)

    def sell_held_seats(self, booking: Booking) -> None:
        """Count the seats of a hold as sold. The owner stays; setting it again has the new status recorded."""
        for label in booking.seats:
            self._set_owner(label, booking.id)
        self.held -= len(booking.seats)
        self.sold += len(booking.seats)

    def _set_owner(self, label: str, owner: UUID | None) -> None:
        self.owners_before.setdefault(label, self.owners[label])
        self.owners[label] = owner

    def _count(self, status: Status, seats: int) -> None:
        if status is Status.PENDING:
            self.held += seats
        else:
            self.sold += seats

    def _index(self, booking: Booking) -> None:
        """Bring the user's live bookings and the deadlines up to date with a booking."""
        live = self._live.setdefault(booking.user_id, set())
        if booking.live:
            live.add(booking.id)
        else:
            live.discard(booking.id)
        if booking.expires_ms is not None:
            heapq.heappush(self._deadlines, (booking.expires_ms, booking.id.bytes))
