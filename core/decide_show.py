"""The rules of operations on a whole show: expiring its lapsed holds, and changing its settings."""

from __future__ import annotations

from core.bookings import Outcome, Reason
from core.decider import Decider
from core.operations import ChangeShow, Expire
from core.shows import SaleState


def expire(decider: Decider, operation: Expire) -> None:
    """Decide an Expire: expire the lapsed holds with the earliest deadlines."""
    lapsed = decider.state.lapsed_holds(decider.at_ms)[: operation.limit]
    for booking in lapsed:
        decider.expire(booking)
    decider.add_decision(Outcome.DONE, None, None, {"expired": len(lapsed)})


def change_show(decider: Decider, operation: ChangeShow) -> None:
    """Decide a ChangeShow: give the show other settings."""
    show = decider.state.show
    if show.settings.state is SaleState.CLOSED:
        decider.add_decision(Outcome.REFUSED, None, Reason.SHOW_CLOSED, {})
        return
    settings = show.settings.changed(operation.changes)
    if operation.keep_window and not settings.has_sales_window:
        decider.add_decision(Outcome.REFUSED, None, Reason.SALES_WINDOW, {})
        return
    decider.state.show = type(show)(show.id, show.hall, settings)
    decider.state.settings_changed = True
    decider.add_decision(Outcome.DONE, None, None, {"settings": settings.to_json()})
