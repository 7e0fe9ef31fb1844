"""The steps of granting seats: to a Book, or to a booking of the waiting list."""

from __future__ import annotations

from core.bookings import Booking, Status
from core.choosing import Choice, prices
from core.decider import Decider
from core.operations import Book
from core.row_places import are_apart


def hold(decider: Decider, operation: Book, booking: Booking, choice: Choice, hold_ms: int) -> None:
    """Hold the chosen seats, which must be free and nobody's, for the booking of a Book."""
    booking.status, booking.expires_ms = Status.PENDING, decider.decided_ms + hold_ms
    _assign(decider, operation, booking, choice)


def sell(decider: Decider, operation: Book, booking: Booking, choice: Choice) -> None:
    """Sell the chosen seats, which must be free and nobody's, to the booking of a Book."""
    booking.status, booking.confirmed_ms = Status.CONFIRMED, decider.decided_ms
    _assign(decider, operation, booking, choice)


def _assign(decider: Decider, operation: Book, booking: Booking, choice: Choice) -> None:
    booking.seats = choice.seats
    of_seats = prices(decider.state, choice.seats)
    booking.amount_cents = sum(of_seats)
    if operation.rules:
        booking.seat_prices_cents, booking.wish_granted = of_seats, choice.wish
        booking.apart = are_apart(decider.state.show.hall, choice.seats)
    decider.state.assign_seats(booking)
