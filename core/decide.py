"""decide: the whole booking rule. Pure and deterministic: an operation and a show's state -> decisions.

Operations arrive in the order of their lane. Every comparison with a deadline, a sales window or the show's
start uses the *accepted* time of the operation, so a confirm accepted in time wins however long it queued.
The decided time is used for two things only: a hold's deadline is counted from it, and a Book that has waited for
longer than its `give_up_after_ms` fails. A refusal is a decision, never an exception.
"""

from __future__ import annotations

from core import decide_book, decide_change, decide_show, decide_waiting
from core.bookings import Booking, Decision, Outcome, Reason, Verdict
from core.decider import Decider
from core.operations import Book, Cancel, ChangeShow, Confirm, Entry, Expire, Extend, Release
from core.state import ShowState
from core.waiting import offers_of


def decide(state: ShowState, entry: Entry, decided_ms: int, verdict: Verdict | None = None) -> list[Decision]:
    """Decide one operation and change `state` accordingly.

    Args:    decided_ms: the batch's decided time, ms; a hold granted now ends `hold_ms` later.
             verdict: why a Book gets no seats, if its worker knows.
    Returns: its own decision (part 0), with its effects (parts 1, 2, ...) in the order in which they happen: expiries
             and, ahead of a Book, offers to the waiting list precede it, offers of what it has freed follow it.
             Empty for a Book whose booking already has an outcome: that outcome is published again.
    Repeat:  a second decision of the same Book changes nothing; of the others too, in effect.
    """
    state.advance(entry.accepted_ms)
    decider = Decider(state, entry, decided_ms)
    match entry.operation:
        case Book() as operation:
            decide_book.book(decider, operation, verdict)
        case Confirm() as operation:
            decide_change.confirm(decider, operation)
        case Cancel() as operation:
            decide_change.cancel(decider, operation)
        case Extend() as operation:
            decide_change.extend(decider, operation)
        case Release() as operation:
            decide_change.release(decider, operation)
        case Expire() as operation:
            decide_show.expire(decider, operation)
        case ChangeShow() as operation:
            decide_show.change_show(decider, operation)
    if not isinstance(entry.operation, Book):
        decide_waiting.offer(decider, offers_of(entry.operation))
    return decider.decisions


def fail(
    state: ShowState | None, entry: Entry, decided_ms: int, reason: Reason
) -> tuple[list[Decision], Booking | None]:
    """Decide an operation that `decide` cannot handle: its show is unknown, or it is poison.

    Returns the decision, and for a Book the FAILED booking to record when there is no `state` to hold it.
    """
    decider = Decider(state, entry, decided_ms)
    operation = entry.operation
    booking_id = operation.booking_id
    if isinstance(operation, Book) and not (state and booking_id in state.bookings):
        booking = decider.fail_book(operation, reason)
        return decider.decisions, booking
    decider.add_decision(Outcome.REFUSED, booking_id, reason, {})
    return decider.decisions, None
