"""decide: the whole booking rule. Pure and deterministic: an operation and a show's state -> decisions.

Operations arrive in the order of their lane. Every comparison with a deadline, a sales window or the show's
start uses the *accepted* time of the operation, so a confirm accepted in time wins however long it queued.
The decided time is used for two things only: a hold's deadline is counted from it, and a Book that has waited for
longer than its `give_up_after_ms` fails. A refusal is a decision, never an exception.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.bookings import Booking, Decision, Outcome, Reason, Status, Verdict
from core.operations import Book, Cancel, ChangeShow, Confirm, Entry, Expire, Kind, kind_of
from core.shows import SaleState
from core.state import ShowState


def decide(state: ShowState, entry: Entry, decided_ms: int, verdict: Verdict | None = None) -> list[Decision]:
    """Decide one operation and change `state` accordingly.

    Args:    decided_ms: the batch's decided time, ms; a hold granted now ends `hold_ms` later.
             verdict: why a Book gets no seats, if its worker knows.
    Returns: expiries that it caused (parts 1, 2, ...), then its own decision (part 0). Empty for a Book whose
             booking already has an outcome: that outcome is final, and is published again.
    Repeat:  a second decision of the same Book changes nothing; of the others too, in effect.
    """
    state.advance(entry.accepted_ms)
    decider = _Decider(state, entry, decided_ms)
    match entry.operation:
        case Book() as operation:
            decider.book(operation, verdict)
        case Confirm() as operation:
            decider.confirm(operation)
        case Cancel() as operation:
            decider.cancel(operation)
        case Expire() as operation:
            decider.expire(operation)
        case ChangeShow() as operation:
            decider.change_show(operation)
    return decider.decisions


def fail(
    state: ShowState | None, entry: Entry, decided_ms: int, reason: Reason
) -> tuple[list[Decision], Booking | None]:
    """Decide an operation that `decide` cannot handle: its show is unknown, or it is poison.

    Returns the decision, and for a Book the FAILED booking to record when there is no `state` to hold it.
    """
    decider = _Decider(state, entry, decided_ms)
    operation = entry.operation
    booking_id = operation.booking_id
    if isinstance(operation, Book) and not (state and booking_id in state.bookings):
        booking = decider.fail_book(operation, reason)
        return decider.decisions, booking
    decider.add_decision(Outcome.REFUSED, booking_id, reason, {})
    return decider.decisions, None


class _Decider:
    """Decides one operation: changes the show's state and collects the decisions.

    Each decision goes through one of two steps: `_decide_on` if it is about a booking, which gives that booking a new
    version, and `add_decision` alone if no booking changes.
    """

    def __init__(self, state: ShowState | None, entry: Entry, decided_ms: int) -> None:
        """`state`: None if the show is unknown; then only `fail_book` and `add_decision` can be used."""
        self._state = state
        self._entry = entry
        self._at_ms = entry.accepted_ms
        self._decided_ms = decided_ms
        self.decisions: list[Decision] = []

    @property
    def state(self) -> ShowState:
        assert self._state is not None
        return self._state

    # -- the five kinds of operations -------------------------------------------------------------------

    def book(self, operation: Book, verdict: Verdict | None) -> None:
        if operation.booking_id in self.state.bookings:
            return  # a repetition: the booking has its outcome
        if verdict is Verdict.WITHDRAWN:
            self._decide_on(self._new_booking(operation, Status.CANCELLED, None), Outcome.CANCELLED, None)
            return
        refusal = Reason.EXPIRED_IN_QUEUE if verdict is Verdict.OVERDUE else self._reason_to_refuse(operation)
        if refusal:
            self.fail_book(operation, refusal)
            return
        seats: tuple[str, ...] | None = operation.seats
        if not seats:
            seats = self.state.best(operation.quantity, operation.category, self._at_ms)
            if seats is None:
                self.fail_book(operation, Reason.SOLD_OUT)
                return
        elif not all(self.state.is_free(label, self._at_ms) for label in seats):
            self.fail_book(operation, Reason.SEAT_TAKEN)
            return
        self._expire_owners(seats)
        self._grant(operation, seats)

    def confirm(self, operation: Confirm) -> None:
        booking = self._own_booking(operation)
        if booking is None:
            return
        if booking.status is Status.CONFIRMED:
            self._decide_on(booking, Outcome.UNCHANGED, None)
        elif booking.status is not Status.PENDING:
            self._decide_on(booking, Outcome.REFUSED, booking.reason or Reason.ALREADY_FINAL)
        elif booking.lapsed(self._at_ms):
            self._expire(booking)
            self._decide_on(booking, Outcome.REFUSED, Reason.HOLD_EXPIRED)
        else:
            self.state.sell_held_seats(booking)
            booking.status, booking.expires_ms = Status.CONFIRMED, None
            booking.confirmed_ms = booking.decided_ms = self._decided_ms
            self._decide_on(booking, Outcome.CONFIRMED, None)

    def cancel(self, operation: Cancel) -> None:
        booking = self._own_booking(operation)
        if booking is None:
            return
        if booking.status is Status.CANCELLED:
            self._decide_on(booking, Outcome.UNCHANGED, None)
        elif booking.status is Status.FAILED:
            self._decide_on(booking, Outcome.REFUSED, booking.reason)
        elif booking.lapsed(self._at_ms):
            self._expire(booking)
            self._decide_on(booking, Outcome.REFUSED, Reason.HOLD_EXPIRED)
        elif booking.status is Status.CONFIRMED and self._at_ms >= self.state.show.settings.starts_ms:
            self._decide_on(booking, Outcome.REFUSED, Reason.SHOW_STARTED)
        else:
            self.state.release_seats(booking)
            booking.status, booking.expires_ms = Status.CANCELLED, None
            booking.decided_ms = self._decided_ms
            self._decide_on(booking, Outcome.CANCELLED, None)

    def expire(self, operation: Expire) -> None:
        lapsed = self.state.lapsed_holds(self._at_ms)[: operation.limit]
        for booking in lapsed:
            self._expire(booking)
        self.add_decision(Outcome.DONE, None, None, {"expired": len(lapsed)})

    def change_show(self, operation: ChangeShow) -> None:
        show = self.state.show
        if show.settings.state is SaleState.CLOSED:
            self.add_decision(Outcome.REFUSED, None, Reason.SHOW_CLOSED, {})
            return
        settings = show.settings.changed(operation.changes)
        if operation.keep_window and not settings.has_sales_window:
            self.add_decision(Outcome.REFUSED, None, Reason.SALES_WINDOW, {})
            return
        self.state.show = type(show)(show.id, show.hall, settings)
        self.state.settings_changed = True
        self.add_decision(Outcome.DONE, None, None, {"settings": settings.to_json()})

    # -- steps ------------------------------------------------------------------------------------------

    def _reason_to_refuse(self, operation: Book) -> Reason | None:
        """Return why this Book must fail whichever seats are free; None if it need not."""
        if 0 < operation.give_up_after_ms < self._decided_ms - self._at_ms:
            return Reason.EXPIRED_IN_QUEUE
        settings, hall = self.state.show.settings, self.state.show.hall
        if settings.state is not SaleState.ON_SALE:
            return Reason.SHOW_CLOSED
        if not settings.sales_open_ms <= self._at_ms < min(settings.sales_close_ms, settings.starts_ms):
            return Reason.SHOW_CLOSED
        if any(label not in hall.seats for label in operation.seats):
            return Reason.NO_SUCH_SEAT
        if operation.category is not None and operation.category not in hall.categories:
            return Reason.NO_SUCH_CATEGORY
        wanted = len(operation.seats) or operation.quantity
        if self.state.seats_of_user(operation.user_id, self._at_ms) + wanted > settings.seats_per_user:
            return Reason.LIMIT_REACHED
        return None

    def _grant(self, operation: Book, seats: tuple[str, ...]) -> None:
        """Hold or sell these seats, which must be free and nobody's."""
        settings, hall = self.state.show.settings, self.state.show.hall
        booking = self._new_booking(operation, Status.PENDING if operation.hold else Status.CONFIRMED, None)
        booking.seats = seats
        booking.amount_cents = sum(settings.prices[hall.category(label)] for label in seats)
        if operation.hold:
            booking.expires_ms = self._decided_ms + settings.hold_ms
        else:
            booking.confirmed_ms = self._decided_ms
        self.state.assign_seats(booking)
        self._decide_on(booking, Outcome.HELD if operation.hold else Outcome.CONFIRMED, None)

    def fail_book(self, operation: Book, reason: Reason) -> Booking:
        """Decide that a Book fails; return its FAILED booking."""
        booking = self._new_booking(operation, Status.FAILED, reason)
        self._decide_on(booking, Outcome.FAILED, reason)
        return booking

    def _new_booking(self, operation: Book, status: Status, reason: Reason | None) -> Booking:
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
            accepted_ms=self._at_ms,
            decided_ms=self._decided_ms,
        )

    def _expire_owners(self, seats: tuple[str, ...]) -> None:
        """Expire the lapsed holds that still own these seats, in the order of the seats."""
        for label in seats:
            owner = self.state.owners[label]
            if owner is not None:
                self._expire(self.state.bookings[owner])

    def _expire(self, booking: Booking) -> None:
        """Expire a lapsed hold: a decision of its own, which precedes that of the operation."""
        self.state.release_seats(booking)
        booking.status, booking.reason, booking.expires_ms = Status.FAILED, Reason.HOLD_EXPIRED, None
        booking.decided_ms = self._decided_ms
        self._decide_on(booking, Outcome.EXPIRED, Reason.HOLD_EXPIRED, part=len(self.decisions) + 1)

    def _own_booking(self, operation: Confirm | Cancel) -> Booking | None:
        """Return the operation's booking; if it is not its user's, decide the refusal and return None."""
        booking = self.state.bookings.get(operation.booking_id)
        if booking is None or booking.user_id != operation.user_id:
            self.add_decision(Outcome.REFUSED, operation.booking_id, Reason.NO_SUCH_BOOKING, {})
            return None
        return booking

    def _decide_on(self, booking: Booking, outcome: Outcome, reason: Reason | None, *, part: int = 0) -> None:
        """Add a decision about a booking: increment its version, and note the decision as its last operation."""
        kind = Kind.EXPIRE if part else kind_of(self._entry.operation)
        booking.version += 1
        booking.last_operation = {
            "kind": kind.value,
            "accepted_ms": self._at_ms,
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
        self.add_decision(outcome, booking.id, reason, changes, part=part)

    def add_decision(
        self,
        outcome: Outcome,
        booking_id: UUID | None,
        reason: Reason | None,
        changes: dict[str, Any],
        *,
        part: int = 0,
    ) -> None:
        """Add a decision for the journal. `part`: 0: the operation's own; 1, 2, ...: expiries that it caused."""
        operation = self._entry.operation
        kind = Kind.EXPIRE if part else kind_of(operation)
        decision = Decision(
            entry=self._entry,
            part=part,
            kind=kind,
            show_id=operation.show_id,
            booking_id=booking_id,
            outcome=outcome,
            reason=reason,
            decided_ms=self._decided_ms,
            changes=changes,
        )
        self.decisions.append(decision)
