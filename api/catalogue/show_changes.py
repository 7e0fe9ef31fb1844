"""Changes of a show's settings, by administrators: requested here, decided in the show's lane, read by their id.

A change is checked against the stored settings before it is accepted. Earlier changes that are accepted but undecided
may still alter these, so the lane checks again (core/decide.py), and may decide REFUSED.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Response, g
from flask_smorest import Blueprint

from api.access.tokens import admin_required
from api.bookings import audited, refusals
from api.bookings.routes import service
from api.catalogue.shows import ONE, no_such_show, priced_hall
from api.shapes import answers, links, requests
from api.web.backend import backend
from api.web.errors import InvalidRequest
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import answer, change_json, here
from core.ids import lane_of
from core.operations import ChangeShow, StreamId
from core.shows import WINDOW, SaleState, ShowSettings
from db.postgres import catalogue, journal
from db.postgres.engine import transaction

#: Names over HTTP -> names of core/shows.py ShowSettings.
CHANGED_AS = {
    "hold_s": "hold_ms",
    "hold_extension_s": "hold_extension_ms",
    "offer_s": "offer_ms",
    "sales_open_at": "sales_open_ms",
    "sales_close_at": "sales_close_ms",
}
#: A change's id: its entry's epoch and id.
_ID = re.compile(r"([0-9A-Za-z]{1,64})-([0-9]{1,15}-[0-9]{1,15})", re.ASCII)
_SOON = {"Retry-After": "1"}

blueprint = Blueprint(
    "changes", __name__, url_prefix="/api/shows", description="Settings of shows, and their changes."
)


@route(
    blueprint, "PATCH", ONE, body=requests.SHOW_CHANGE, answers={202: answers.CHANGE}, leads={202: links.CHANGE},
    headers={202: ("Location", "Retry-After")}, errors=(403, 404, 409, 503), secured=True,
)  # fmt: skip
@admin_required
def change_show(show_id: int) -> Response:
    """Change a show's settings, in its lane: requests accepted before are decided by the old ones."""
    values = read_body(requests.SHOW_CHANGE)
    changes = {CHANGED_AS.get(name, name): value for name, value in values.items()}
    for name in {"hold_ms", "hold_extension_ms", "offer_ms"} & changes.keys():
        changes[name] *= 1000
    with transaction(backend().engine) as connection:
        show = catalogue.get_show(connection, show_id)
        if show is None:
            return no_such_show()
        if "prices" in values:
            priced_hall(connection, show.hall_id, values["prices"])
    keep_window = bool(WINDOW & changes.keys())
    if keep_window and show.settings.state is not SaleState.CLOSED:
        _check_window(show.settings.changed(changes), values)
    return _accept(
        "show.change", show.settings, ChangeShow(show_id=show_id, changes=changes, keep_window=keep_window)
    )


@route(
    blueprint, "DELETE", ONE, query=requests.CLOSE_QUERY, answers={202: answers.CHANGE}, leads={202: links.CHANGE},
    headers={202: ("Location", "Retry-After")}, errors=(403, 404, 409, 503), secured=True,
)  # fmt: skip
@admin_required
def close_show(show_id: int) -> Response:
    """Close a show's sale for good. Bookings remain valid, and holds may still be confirmed.

    With `cancel_bookings=true` they are cancelled, a batch at a time, also if the show is closed already; the
    change's `seats_left` says how far that is.
    """
    cancel = read_query(requests.CLOSE_QUERY)["cancel_bookings"] == "true"
    with transaction(backend().engine) as connection:
        show = catalogue.get_show(connection, show_id)
    if show is None:
        return no_such_show()
    changes: dict[str, Any] = {"state": SaleState.CLOSED.value}
    if not cancel:
        return _accept("show.close", show.settings, ChangeShow(show_id=show_id, changes=changes))
    return _accept("show.cancel", show.settings, ChangeShow(show_id=show_id, changes={**changes, "cancelled": True}))


@route(
    blueprint, "GET", f"{ONE}/changes/<change_id>", answers={200: answers.CHANGE}, headers={200: ("Retry-After",)},
    errors=(403, 404, 503), secured=True,
)  # fmt: skip
@admin_required
def get_change(show_id: int, change_id: str) -> Response:
    """Show the outcome of a change of a show."""
    found = _ID.fullmatch(change_id)
    if found is None:
        return _no_such_change()
    epoch, id_ = found[1], StreamId.parse(found[2])
    decided = _decided(show_id, epoch, id_)
    if decided is None and service().intake.waits(show_id, epoch, id_):
        return answer(change_json(show_id, change_id, id_, None), headers=_SOON)
    decided = decided or _decided(show_id, epoch, id_)  # it may have left the lane just now
    return answer(change_json(show_id, change_id, id_, decided)) if decided else _no_such_change()


def _accept(action: str, settings: ShowSettings, operation: ChangeShow) -> Response:
    if settings.cancelled or (settings.state is SaleState.CLOSED and "cancelled" not in operation.changes):
        return problem(409, "show_closed", "The show's sale is closed for good.")
    before = {name: value for name, value in settings.to_json().items() if name in operation.changes}
    subject = f"show {operation.show_id}"
    accepted = audited.accept(operation, action, subject, before=before, after=operation.changes)
    if accepted.code != "ACCEPTED":
        return refusals.refuse(accepted, g.request_id).response()
    show_id, change_id = operation.show_id, f"{accepted.meter.epoch}-{accepted.entry_id}"
    body = change_json(show_id, change_id, StreamId.parse(accepted.entry_id), None)
    return answer(body, 202, {"Location": here(f"/api/shows/{show_id}/changes/{change_id}"), **_SOON})


def _check_window(settings: ShowSettings, values: dict[str, Any]) -> None:
    """Reject a change that leaves no sales window, with a fault for each field of it. Raises: InvalidRequest."""
    if not settings.has_sales_window:
        detail = "With the stored settings, sales would not open before they close, or not close by the start."
        named = [name for name in values if CHANGED_AS.get(name) in WINDOW]
        raise InvalidRequest([{"pointer": f"/{name}", "detail": detail} for name in named])


def _decided(show_id: int, epoch: str, id_: StreamId) -> journal.ChangeOutcome | None:
    lane = lane_of(show_id, service().intake.lanes_count)
    with transaction(backend().engine) as connection:
        return journal.outcome_of_change(connection, show_id, lane, epoch, id_)


def _no_such_change() -> Response:
    return problem(404, "no_such_change", "There is no such change of this show.")
