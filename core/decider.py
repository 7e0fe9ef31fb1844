"""Decider: the steps of deciding one operation, which all rules share.

The rules are functions that take a Decider: of a Book in decide_book.py, of an operation on a booking in
decide_change.py, of an operation on the whole show in decide_show.py. core/decide.py chooses among them.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.bookings import Booking, Decision, Outcome, Reason, Status
from core.operations import Book, BookingChange, Entry, Kind, kind_of
from core.state import ShowState


class Decider:
    """Decides one operation: changes the show's state and collects the decisions.

    Each decision goes through one of two steps: `decide_on` if it is about a booking, which gives that booking a new
    version, and `add_decision` alone if no booking changes. Either is the operation's own decision, or (`by`) that of
    an effect: the expiry of a lapsed hold precedes it, an offer to the waiting list follows it.
    """

    def __init__(self, state: ShowState | None, entry: Entry, decided_ms: int) -> None:
        """`state`: None if the show is unknown; then only `fail_book` and `add_decision` can be used."""
        self._state = state
        self._entry = entry
        self.at_ms = entry.accepted_ms
        self.decided_ms = decided_ms
        self.decisions: list[Decision] = []
        self._effects = 0

    @property
    def state(self) -> ShowState:
        """The show's state."""
        assert self._state is not None
        return self._state

    def fail_book(self, operation: Book, reason: Reason) -> Booking:
        """Decide that a Book fails; return its FAILED booking."""
        booking = self.new_booking(operation, Status.FAILED, reason)
        self.decide_on(booking, Outcome.FAILED, reason)
        return booking

    def new_booking(self, operation: Book, status: Status, reason: Reason | None) -> Booking:
        """Return a booking without seats. Its first decision makes it version 1."""
        return Booking(
            id=operation.booking_id,
            show_id=operation.show_id,
            user_id=operation.user_id,
            status=status,
            reason=reason,
            fingerprint=operation.fingerprint,
            seats=(),
            amount_cents=0,
            version=0,
            last_operation={},
            accepted_ms=self.at_ms,
            decided_ms=self.decided_ms,
        )

    def expire_owners(self, seats: tuple[str, ...]) -> None:
        """Expire the lapsed holds that still own these seats, in the order of the seats."""
        for label in seats:
            owner = self.state.owners[label]
            if owner is not None:
                self.expire(self.state.bookings[owner])

    def expire(self, booking: Booking) -> None:
        """Expire a lapsed hold: a decision of its own, which precedes that of the operation."""
        self.state.release_seats(booking)
        booking.status, booking.reason, booking.expires_ms = Status.FAILED, Reason.HOLD_EXPIRED, None
        booking.decided_ms = self.decided_ms
        self.decide_on(booking, Outcome.EXPIRED, Reason.HOLD_EXPIRED, by=Kind.EXPIRE)

    def own_booking(self, operation: BookingChange) -> Booking | None:
        """Return the operation's booking; if it is not its user's, decide the refusal and return None."""
        booking = self.state.bookings.get(operation.booking_id)
        if booking is None or booking.user_id != operation.user_id:
            self.add_decision(Outcome.REFUSED, operation.booking_id, Reason.NO_SUCH_BOOKING, {})
            return None
        return booking

    def decide_on(self, booking: Booking, outcome: Outcome, reason: Reason | None, *, by: Kind | None = None) -> None:
        """Add a decision about a booking: increment its version, and note the decision as its last operation."""
        booking.version += 1
        booking.last_operation = {
            "kind": (by or kind_of(self._entry.operation)).value,
            "accepted_ms": self.at_ms,
            "outcome": outcome.value,
            "reason": reason.value if reason else None,
        }
        if self._state is not None:
            self._state.put(booking)
        changes = {
            "version": booking.version,
            "status": booking.status.value,
            "seats": list(booking.seats),
            "amount_cents": booking.amount_cents,
            "expires_ms": booking.expires_ms,
        }
        # Left out while they have their defaults, as in the journals of versions that did not know them.
        if booking.released:
            changes["released"] = list(booking.released)
        if booking.extended:
            changes["extended"] = True
        if booking.waiting_number is not None:
            changes["waiting_number"] = booking.waiting_number
        if booking.replaced_by is not None:
            changes["replaced_by"] = str(booking.replaced_by)
        if booking.wish_granted:
            changes["wish"] = booking.wish_granted
        if booking.apart:
            changes["apart"] = True
        self.add_decision(outcome, booking.id, reason, changes, by=by)

    def add_decision(
        self,
        outcome: Outcome,
        booking_id: UUID | None,
        reason: Reason | None,
        changes: dict[str, Any],
        *,
        by: Kind | None = None,
    ) -> None:
        """Add a decision for the journal. `by`: None: the operation's own (part 0); else the kind of an effect
        (parts 1, 2, ...)."""
        operation = self._entry.operation
        self._effects += by is not None
        decision = Decision(
            entry=self._entry,
            part=self._effects if by else 0,
            kind=by or kind_of(operation),
            show_id=operation.show_id,
            booking_id=booking_id,
            outcome=outcome,
            reason=reason,
            decided_ms=self.decided_ms,
            changes=changes,
        )
        self.decisions.append(decision)
