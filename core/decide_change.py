"""The rules of operations on a booking that has been decided: they are its user's, and may be repeated."""

from __future__ import annotations

from core.bookings import Outcome, Reason, Status
from core.decider import Decider
from core.operations import Cancel, Confirm


def confirm(decider: Decider, operation: Confirm) -> None:
    """Decide a Confirm: sell the seats of a hold that has not lapsed."""
    booking = decider.own_booking(operation)
    if booking is None:
        return
    if booking.status is Status.CONFIRMED:
        decider.decide_on(booking, Outcome.UNCHANGED, None)
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
    booking = decider.own_booking(operation)
    if booking is None:
        return
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
        decider.state.release_seats(booking)
        booking.status, booking.expires_ms = Status.CANCELLED, None
        booking.decided_ms = decider.decided_ms
        decider.decide_on(booking, Outcome.CANCELLED, None)
