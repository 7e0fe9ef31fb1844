"""Parked operations: inspect them, retry a Book as a new booking, or discard them. None is ever deleted.

A retried Book is a new booking of the same user, with an id that is derived from the old one, so a repeated retry
finds it again. Its lane links the old booking to it (`replaced_by`) when it decides the new one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from typing import Any

from flask import Response, g
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.bookings import audited, refusals
from api.bookings.routes import service
from api.shapes import admin_answers, admin_requests
from api.web import cursors
from api.web.backend import backend
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_query
from api.web.serializers import answer
from core import ids
from core.errors import OnsaleError
from core.operations import Book, Operation, kind_of, load
from core.times import iso, to_ms
from db.postgres import parked
from db.postgres.engine import transaction
from db.postgres.parked import ParkedRow, Place

ONE = "/<parked_id>"
#: Lane, epoch (empty: nothing was ever accepted in the lane), and entry.
_ID = re.compile(r"([0-9]{1,4})-([0-9A-Za-z]{0,64})-([0-9]{1,15})-([0-9]{1,15})", re.ASCII)

blueprint = Blueprint("parked", __name__, url_prefix="/api/admin/parked", description="Operations set aside.")


@route(
    blueprint, "GET", "", query=admin_requests.PARKED_QUERY, answers={200: admin_answers.PARKED_LIST},
    errors=(400, 403, 503), secured=True,
)  # fmt: skip
@admin_required
def list_parked() -> Response:
    """List the operations that could not be read or decided, with their payloads."""
    query = read_query(admin_requests.PARKED_QUERY)
    after, limit = cursors.PARKED.read(query["cursor"]), query["limit"]
    with transaction(backend().engine) as connection:
        found = parked.list_parked(
            connection,
            resolved=query["resolved"] == "any",
            after=(after[0], after[1], after[2], after[3]) if after else None,
            limit=limit + 1,
        )
    return answer(cursors.PARKED.page("parked", found, limit, _json, lambda row: row.place))


@route(blueprint, "GET", ONE, answers={200: admin_answers.PARKED}, errors=(403, 404, 503), secured=True)
@admin_required
def show_parked(parked_id: str) -> Response:
    """Show a parked operation."""
    with transaction(backend().engine) as connection:
        row = _find(connection, parked_id)
    return answer(_json(row)) if row else _nothing()


@route(
    blueprint, "POST", f"{ONE}/retry", answers={202: admin_answers.PARKED}, errors=(403, 404, 409, 429, 503),
    secured=True,
)  # fmt: skip
@admin_required
def retry_parked(parked_id: str) -> Response:
    """Accept a parked Book again, as a new booking by which the old one is replaced. Repeat: the same booking."""
    with transaction(backend().engine) as connection:
        row = _find(connection, parked_id)
    if row is None:
        return _nothing()
    former = _operation(row)
    if not isinstance(former, Book):
        return problem(409, "not_retriable", "Only a request for seats can be retried, and only if it can be read.")
    if row.resolution == "DISCARDED":
        return _resolved(row)
    intake = service().intake
    if not intake.ready:
        intake.learn()
    # No client's key has a control character, so no client's booking has this id.
    key = f"\x00retry {former.booking_id}"
    new_id = ids.booking_id(intake.booking_secret, former.show_id, former.user_id, key)
    operation = replace(former, booking_id=new_id, replaces=former.booking_id)
    before, after = {"booking": str(former.booking_id)}, {"booking": str(new_id)}
    accepted = audited.accept(operation, "parked.retry", f"parked {parked_id}", before=before, after=after)
    if not accepted.found:
        return refusals.refuse(accepted, g.request_id, operation).response()
    with transaction(backend().engine) as connection:
        locked = parked.lock(connection, row.place)
        if locked is not None and locked.resolution is None:
            parked.resolve(connection, row.place, "RETRIED", new_id)
        row = parked.lock(connection, row.place)
    return answer(_json(row), 202) if row else _nothing()


@route(
    blueprint, "POST", f"{ONE}/discard", answers={200: admin_answers.PARKED}, errors=(403, 404, 409, 503),
    secured=True,
)  # fmt: skip
@admin_required
def discard_parked(parked_id: str) -> Response:
    """Note that nothing is to be done about a parked operation. It is kept."""
    with transaction(backend().engine) as connection:
        row = _find(connection, parked_id)
        if row is None:
            return _nothing()
        if row.resolution == "RETRIED":
            return _resolved(row)
        if row.resolution is None:
            parked.resolve(connection, row.place, "DISCARDED")
            audit.done(connection, "parked.discard", f"parked {parked_id}", before={"error": row.error})
        row = parked.lock(connection, row.place)
    return answer(_json(row)) if row else _nothing()


def _find(connection: Any, parked_id: str) -> ParkedRow | None:
    found = _ID.fullmatch(parked_id)
    place: Place | None = (int(found[1]), found[2], int(found[3]), int(found[4])) if found else None
    return parked.lock(connection, place) if place else None


def _operation(row: ParkedRow) -> Operation | None:
    """Return the operation; None if it cannot be read."""
    try:
        return load(row.payload.decode())
    except (OnsaleError, UnicodeDecodeError):
        return None


def _json(row: ParkedRow) -> dict[str, Any]:
    operation = _operation(row)
    try:
        payload = row.payload.decode()
    except UnicodeDecodeError:
        payload = None
    booking_id = operation.booking_id if operation else None
    return {
        "id": "-".join(map(str, row.place)),
        "lane": row.lane,
        "kind": kind_of(operation).value if operation else None,
        "booking_id": str(booking_id) if booking_id else None,
        "payload": payload,
        "payload_base64": b64encode(row.payload).decode(),
        "error": row.error,
        "parked_at": iso(to_ms(row.parked_at)),
        "retriable": isinstance(operation, Book) and row.resolution != "DISCARDED",
        "resolution": row.resolution,
        "resolved_at": iso(to_ms(row.resolved_at)) if row.resolved_at else None,
        "replaced_by": str(row.replaced_by) if row.replaced_by else None,
    }


def _resolved(row: ParkedRow) -> Response:
    return problem(409, "already_resolved", f"This operation was {str(row.resolution).lower()} already.")


def _nothing() -> Response:
    return problem(404, "no_such_parked_operation", "There is no such parked operation.")
