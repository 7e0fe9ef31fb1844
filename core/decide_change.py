"""The rules of operations on a booking that has been decided: they are its user's, and may be repeated."""

from __future__ import annotations

from core.bookings import Booking, Outcome, Reason, Status
from core.decider import Decider
from core.operations import Cancel, Confirm, Extend, Release
from core.row_places import are_apart


def confirm(decider: Decider, operation: Confirm) -> None:
    """Decide a Confirm: sell the seats of a hold that has not lapsed."""
    booking = decider.own_booking(operation)
    if booking is None:
        return
    if booking.status is Status.CONFIRMED:
        decider.decide_on(booking, Outcome.UNCHANGED, None)
    elif booking.status is Status.WAITING:
        decider.decide_on(booking, Outcome.REFUSED, Reason.NOT_OFFERED)
    elif booking.status is not Status.PENDING:
        decider.decide_on(booking, Outcome.REFUSED, booking.reason or Reason.ALREADY_FINAL)
    elif booking.lapsed(decider.at_ms):
        decider.expire(booking)
        decider.decide_on(booking, Outcome.REFUSED, Reason.HOLD_EXPIRED)
    else:
        decider.state.sell_held_seats(booking)
        booking.status, booking.expires_ms = Status.CONFIRMED, None
        booking.confirmed_ms = booking.decided_ms = decider.decided_ms
        decider.decide_on(booking, Outcome.CONFIRMED, None)


def cancel(decider: Decider, operation: Cancel) -> None:
    """Decide a Cancel: give the booking's seats back."""
    booking = _to_give_back(decider, operation)
    if booking is not None:
        _cancel(decider, booking)


def release(decider: Decider, operation: Release) -> None:
    """Decide a Release: give the named seats back, or nothing if the booking has never had one of them."""
    booking = _to_give_back(decider, operation)
    if booking is None:
        return
    gone = [label for label in booking.seats if label in operation.seats]
    if not {*booking.seats, *booking.released}.issuperset(operation.seats):
        decider.decide_on(booking, Outcome.REFUSED, Reason.NO_SUCH_SEAT)
    elif not gone:
        decider.decide_on(booking, Outcome.UNCHANGED, None)
    elif len(gone) == len(booking.seats):
        _cancel(decider, booking)
    else:
        _release(decider, booking, gone)


def extend(decider: Decider, operation: Extend) -> None:
    """Decide an Extend: move the deadline of a hold that has not lapsed, once."""
    booking = decider.own_booking(operation)
    if booking is None:
        return
    extension_ms = decider.state.show.settings.hold_extension_ms
    if booking.status is Status.WAITING:
        decider.decide_on(booking, Outcome.REFUSED, Reason.NOT_OFFERED)
    elif booking.status is not Status.PENDING or booking.expires_ms is None:
        decider.decide_on(booking, Outcome.REFUSED, booking.reason or Reason.ALREADY_FINAL)
    elif booking.lapsed(decider.at_ms):
        decider.expire(booking)
        decider.decide_on(booking, Outcome.REFUSED, Reason.HOLD_EXPIRED)
    elif booking.extended:
        decider.decide_on(booking, Outcome.UNCHANGED, None)
    elif not extension_ms:
        decider.decide_on(booking, Outcome.REFUSED, Reason.EXTENSION_NOT_ALLOWED)
    else:
        booking.expires_ms += extension_ms
        booking.extended, booking.decided_ms = True, decider.decided_ms
        decider.state.extend_held_seats(booking)
        decider.decide_on(booking, Outcome.EXTENDED, None)


def _to_give_back(decider: Decider, operation: Cancel | Release) -> Booking | None:
    """Return the booking if its seats may be given back; else decide why not, and return None."""
    booking = decider.own_booking(operation)
    if booking is None:
        return None
    if booking.status is Status.CANCELLED:
        decider.decide_on(booking, Outcome.UNCHANGED, None)
    elif booking.status is Status.FAILED:
        decider.decide_on(booking, Outcome.REFUSED, booking.reason)
    elif booking.lapsed(decider.at_ms):
        decider.expire(booking)
        decider.decide_on(booking, Outcome.REFUSED, Reason.HOLD_EXPIRED)
    elif booking.status is Status.CONFIRMED and decider.at_ms >= decider.state.show.settings.starts_ms:
        decider.decide_on(booking, Outcome.REFUSED, Reason.SHOW_STARTED)
    else:
        return booking
    return None


def _cancel(decider: Decider, booking: Booking) -> None:
    if booking.status is Status.WAITING:
        decider.state.waiting.leave(booking)
    decider.state.release_seats(booking)
    booking.status, booking.expires_ms = Status.CANCELLED, None
    booking.decided_ms = decider.decided_ms
    decider.decide_on(booking, Outcome.CANCELLED, None)


def _release(decider: Decider, booking: Booking, gone: list[str]) -> None:
    """Give some seats back; the amount falls by what exactly these cost."""
    prices = dict(zip(booking.seats, booking.seat_prices_cents or _shares(decider, booking), strict=True))
    decider.state.release_seats(booking, gone)
    booking.seats = tuple(label for label in booking.seats if label not in gone)
    booking.seat_prices_cents = tuple(prices[label] for label in booking.seats)
    booking.amount_cents = sum(booking.seat_prices_cents)
    booking.released += tuple(gone)
    if booking.apart is not None:
        booking.apart = are_apart(decider.state.show.hall, booking.seats)
    booking.decided_ms = decider.decided_ms
    decider.decide_on(booking, Outcome.RELEASED, None)


def _shares(decider: Decider, booking: Booking) -> tuple[int, ...]:
    """Return the prices of the seats of a booking for which none were recorded.

    The show's prices, if they make up the booking's amount; else equal shares of it, the first ones a cent larger
    where it cannot be divided.
    """
    show = decider.state.show
    prices = tuple(show.settings.prices.get(show.hall.category(label), 0) for label in booking.seats)
    if sum(prices) == booking.amount_cents:
        return prices
    share, rest = divmod(booking.amount_cents, len(booking.seats))
    return tuple(share + (number < rest) for number in range(len(booking.seats)))
