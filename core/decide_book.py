"""The rule of a Book: which seats a request gets, or why it gets none."""

from __future__ import annotations

from uuid import UUID

from core import decide_waiting, granting
from core.bookings import Outcome, Reason, Status, Verdict
from core.decider import Decider
from core.operations import Book, Kind
from core.waiting import OFFERS_MAX


def book(decider: Decider, operation: Book, verdict: Verdict | None) -> None:
    """Decide a Book: grant its seats, have it wait for them, or fail it."""
    if operation.booking_id in decider.state.bookings:
        return  # a repetition: the booking has its outcome
    if operation.replaces is not None:
        _replace(decider, operation.replaces, operation)
    offered = decide_waiting.offer(decider, OFFERS_MAX)
    if verdict is Verdict.WITHDRAWN:
        decider.decide_on(decider.new_booking(operation, Status.CANCELLED, None), Outcome.CANCELLED, None)
        return
    refusal = Reason.EXPIRED_IN_QUEUE if verdict is Verdict.OVERDUE else _reason_to_refuse(decider, operation)
    if refusal:
        decider.fail_book(operation, refusal)
        return
    # Seats that are due to others who wait are not free for this one.
    seats = granting.choose(decider, operation) if offered else Reason.SOLD_OUT
    if isinstance(seats, tuple):
        decider.expire_owners(seats)
        _grant(decider, operation, seats)
    elif operation.waiting and granting.possible(decider, operation):
        decide_waiting.join(decider, operation)
    else:
        decider.fail_book(operation, seats)


def _replace(decider: Decider, former_id: UUID, operation: Book) -> None:
    """Link a user's FAILED booking to the one that replaces it, whatever becomes of that. The first link counts."""
    former = decider.state.bookings.get(former_id)
    if former is None or former.user_id != operation.user_id or former.replaced_by is not None:
        return
    if former.status is Status.FAILED:
        former.replaced_by = operation.booking_id
        decider.decide_on(former, Outcome.UNCHANGED, None, by=Kind.REPLACE)


def _reason_to_refuse(decider: Decider, operation: Book) -> Reason | None:
    """Return why this Book must fail whichever seats are free; None if it need not."""
    if 0 < operation.give_up_after_ms < decider.decided_ms - decider.at_ms:
        return Reason.EXPIRED_IN_QUEUE
    settings, hall = decider.state.show.settings, decider.state.show.hall
    if not settings.on_sale(decider.at_ms):
        return Reason.SHOW_CLOSED
    if any(label not in hall.seats for label in operation.seats):
        return Reason.NO_SUCH_SEAT
    if operation.category is not None and operation.category not in hall.categories:
        return Reason.NO_SUCH_CATEGORY
    wanted = len(operation.seats) or operation.quantity
    if decider.state.seats_of_user(operation.user_id, decider.at_ms) + wanted > settings.seats_per_user:
        return Reason.LIMIT_REACHED
    return None


def _grant(decider: Decider, operation: Book, seats: tuple[str, ...]) -> None:
    """Hold or sell these seats, which must be free and nobody's."""
    booking = decider.new_booking(operation, Status.CONFIRMED, None)
    if operation.hold:
        granting.hold(decider, operation, booking, seats, decider.state.show.settings.hold_ms)
    else:
        granting.sell(decider, operation, booking, seats)
    decider.decide_on(booking, Outcome.HELD if operation.hold else Outcome.CONFIRMED, None)
