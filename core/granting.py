"""The steps of granting seats: to a Book, or to a booking of the waiting list."""

from __future__ import annotations

from core.bookings import Booking, Reason, Status
from core.decider import Decider
from core.operations import Book
from core.seats import FreeSeats


def choose(decider: Decider, operation: Book) -> tuple[str, ...] | Reason:
    """Return the free seats that a Book gets, or why it gets none."""
    if not operation.seats:
        best = decider.state.best(operation.quantity, operation.category, decider.at_ms)
        return Reason.SOLD_OUT if best is None else best
    free = all(decider.state.is_free(label, decider.at_ms) for label in operation.seats)
    return operation.seats if free else Reason.SEAT_TAKEN


def possible(decider: Decider, operation: Book) -> bool:
    """Return whether a Book could have its seats if all were free."""
    if operation.seats:
        return True
    return FreeSeats(decider.state.show.hall, ()).best(operation.quantity, operation.category) is not None


def hold(decider: Decider, operation: Book, booking: Booking, seats: tuple[str, ...], hold_ms: int) -> None:
    """Hold these seats, which must be free and nobody's, for the booking of a Book."""
    booking.status, booking.expires_ms = Status.PENDING, decider.decided_ms + hold_ms
    _assign(decider, operation, booking, seats)


def sell(decider: Decider, operation: Book, booking: Booking, seats: tuple[str, ...]) -> None:
    """Sell these seats, which must be free and nobody's, to the booking of a Book."""
    booking.status, booking.confirmed_ms = Status.CONFIRMED, decider.decided_ms
    _assign(decider, operation, booking, seats)


def _assign(decider: Decider, operation: Book, booking: Booking, seats: tuple[str, ...]) -> None:
    settings, hall = decider.state.show.settings, decider.state.show.hall
    booking.seats = seats
    prices = tuple(settings.prices[hall.category(label)] for label in seats)
    booking.amount_cents = sum(prices)
    if operation.rules:
        booking.seat_prices_cents = prices
    decider.state.assign_seats(booking)
