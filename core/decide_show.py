"""The rules of operations on a whole show: expiring what has ended, and changing its settings."""

from __future__ import annotations

from core import decide_waiting
from core.bookings import Outcome, Reason, Status
from core.decider import Decider
from core.operations import ChangeShow, Expire, Kind
from core.shows import SaleState


def expire(decider: Decider, operation: Expire) -> None:
    """Decide an Expire: end up to `limit` bookings.

    First the lapsed holds with the earliest deadlines; then, if the sale is over, those who wait; then, if the show
    is cancelled, its live bookings.
    """
    lapsed = decider.state.lapsed_holds(decider.at_ms)[: operation.limit]
    for booking in lapsed:
        decider.expire(booking)
    closed = decide_waiting.close(decider, operation.limit - len(lapsed))
    cancelled = _cancel(decider, operation.limit - len(lapsed) - closed)
    told = {"closed": closed, "cancelled": cancelled}
    counts = {"expired": len(lapsed), **{name: count for name, count in told.items() if count}}
    decider.add_decision(Outcome.DONE, None, None, counts)


def change_show(decider: Decider, operation: ChangeShow) -> None:
    """Decide a ChangeShow: give the show other settings. A closed one can only be cancelled, once."""
    show = decider.state.show
    cancels = bool(operation.changes.get("cancelled")) and not show.settings.cancelled
    if show.settings.state is SaleState.CLOSED and not cancels:
        decider.add_decision(Outcome.REFUSED, None, Reason.SHOW_CLOSED, {})
        return
    settings = show.settings.changed(operation.changes)
    if operation.keep_window and not settings.has_sales_window:
        decider.add_decision(Outcome.REFUSED, None, Reason.SALES_WINDOW, {})
        return
    decider.state.show = type(show)(show.id, show.hall, settings)
    decider.state.settings_changed = decider.state.waiting.due = True
    decider.add_decision(Outcome.DONE, None, None, {"settings": settings.to_json()})


def _cancel(decider: Decider, most: int) -> int:
    """Cancel up to `most` live bookings of a cancelled show; return how many."""
    state = decider.state
    if not state.show.settings.cancelled or not most:
        return 0
    ended = [booking for booking in state.live_bookings() if not booking.lapsed(decider.at_ms)][:most]
    for booking in ended:
        state.release_seats(booking)
        booking.status, booking.reason, booking.expires_ms = Status.CANCELLED, Reason.SHOW_CANCELLED, None
        booking.decided_ms = decider.decided_ms
        decider.decide_on(booking, Outcome.CANCELLED, Reason.SHOW_CANCELLED, by=Kind.EXPIRE)
    return len(ended)
