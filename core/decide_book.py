"""The rule of a Book: which seats a request gets, or why it gets none."""

from __future__ import annotations

from uuid import UUID

from core import decide_waiting, granting
from core.bookings import Outcome, Reason, Status, Verdict
from core.choosing import Choice, choose, impossible, possible
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
    at_ms = decider.at_ms
    # Seats that are due to others who wait are not free for this one.
    found = choose(decider.state, operation, at_ms) if offered else Reason.SOLD_OUT
    if isinstance(found, Choice):
        decider.expire_owners(found.seats)
        _grant(decider, operation, found)
    elif operation.waiting and found is not Reason.PRICE_CHANGED and possible(decider.state, operation, at_ms):
        decide_waiting.join(decider, operation)
    else:
        decider.fail_book(operation, found)


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
    if not decider.state.show.settings.on_sale(decider.at_ms):
        return Reason.SHOW_CLOSED
    return impossible(decider.state, operation, decider.at_ms)


def _grant(decider: Decider, operation: Book, choice: Choice) -> None:
    """Hold or sell these seats, which must be free and nobody's."""
    booking = decider.new_booking(operation, Status.CONFIRMED, None)
    if operation.hold:
        granting.hold(decider, operation, booking, choice, decider.state.show.settings.hold_ms)
    else:
        granting.sell(decider, operation, booking, choice)
    decider.decide_on(booking, Outcome.HELD if operation.hold else Outcome.CONFIRMED, None)
