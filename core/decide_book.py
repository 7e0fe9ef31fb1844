"""The rule of a Book: which seats a request gets, or why it gets none."""

from __future__ import annotations

from core.bookings import Outcome, Reason, Status, Verdict
from core.decider import Decider
from core.operations import Book
from core.shows import SaleState


def book(decider: Decider, operation: Book, verdict: Verdict | None) -> None:
    """Decide a Book: grant its seats, or fail it."""
    if operation.booking_id in decider.state.bookings:
        return  # a repetition: the booking has its outcome
    if verdict is Verdict.WITHDRAWN:
        decider.decide_on(decider.new_booking(operation, Status.CANCELLED, None), Outcome.CANCELLED, None)
        return
    refusal = Reason.EXPIRED_IN_QUEUE if verdict is Verdict.OVERDUE else _reason_to_refuse(decider, operation)
    if refusal:
        decider.fail_book(operation, refusal)
        return
    seats: tuple[str, ...] | None = operation.seats
    if not seats:
        seats = decider.state.best(operation.quantity, operation.category, decider.at_ms)
        if seats is None:
            decider.fail_book(operation, Reason.SOLD_OUT)
            return
    elif not all(decider.state.is_free(label, decider.at_ms) for label in seats):
        decider.fail_book(operation, Reason.SEAT_TAKEN)
        return
    decider.expire_owners(seats)
    _grant(decider, operation, seats)


def _reason_to_refuse(decider: Decider, operation: Book) -> Reason | None:
    """Return why this Book must fail whichever seats are free; None if it need not."""
    if 0 < operation.give_up_after_ms < decider.decided_ms - decider.at_ms:
        return Reason.EXPIRED_IN_QUEUE
    settings, hall = decider.state.show.settings, decider.state.show.hall
    if settings.state is not SaleState.ON_SALE:
        return Reason.SHOW_CLOSED
    if not settings.sales_open_ms <= decider.at_ms < min(settings.sales_close_ms, settings.starts_ms):
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
    settings, hall = decider.state.show.settings, decider.state.show.hall
    booking = decider.new_booking(operation, Status.PENDING if operation.hold else Status.CONFIRMED, None)
    booking.seats = seats
    prices = tuple(settings.prices[hall.category(label)] for label in seats)
    booking.amount_cents = sum(prices)
    if operation.rules:
        booking.seat_prices_cents = prices
    if operation.hold:
        booking.expires_ms = decider.decided_ms + settings.hold_ms
    else:
        booking.confirmed_ms = decider.decided_ms
    decider.state.assign_seats(booking)
    decider.decide_on(booking, Outcome.HELD if operation.hold else Outcome.CONFIRMED, None)
