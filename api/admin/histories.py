"""A booking with its way through the lane, and who had a seat when: for the box office and administrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import staff_required
from api.admin import redis_reads
from api.bookings import status_body
from api.bookings.routes import run, service
from api.shapes import admin_answers, admin_requests, requests
from api.web.backend import backend
from api.web.errors import NoSuchBooking
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_query
from api.web.serializers import answer
from core.ids import read_reference, reference, show_of
from core.seat_history import BookingDecision, Ownership, ownerships
from core.times import iso
from db.kv import statuses
from db.postgres import bookings, history, seats
from db.postgres.engine import transaction

blueprint = Blueprint("histories", __name__, url_prefix="/api/admin", description="Histories of bookings and seats.")


@route(
    blueprint, "GET", "/bookings/<uuid:booking_id>", answers={200: admin_answers.BOOKING_HISTORY},
    errors=(403, 404, 503), secured=True,
)  # fmt: skip
@staff_required
def booking_history(booking_id: UUID) -> Response:
    """Show anybody's booking, its user, and every decision about it."""
    return _booking(booking_id)


@route(
    blueprint, "GET", "/bookings", query=admin_requests.REFERENCE_QUERY,
    answers={200: admin_answers.BOOKING_HISTORY}, errors=(403, 404, 503), secured=True,
)  # fmt: skip
@staff_required
def booking_by_reference() -> Response:
    """Show the decided booking with a reference, however that is spelled, as by its id."""
    parsed = read_reference(read_query(admin_requests.REFERENCE_QUERY)["reference"])
    if parsed is None:
        raise NoSuchBooking
    with transaction(backend().engine) as connection:
        booking = bookings.by_reference(connection, None, parsed)
    if booking is None:
        raise NoSuchBooking
    return _booking(booking.id)


@route(
    blueprint, "GET", f"/shows/<int(max={requests.MAX_ID}):show_id>/seat-history",
    query=admin_requests.SEAT_QUERY, answers={200: admin_answers.SEAT_HISTORY}, errors=(403, 404, 503), secured=True,
)  # fmt: skip
@staff_required
def seat_history(show_id: int) -> Response:
    """Show who had a seat of a show, and when."""
    label = read_query(admin_requests.SEAT_QUERY)["label"]
    with transaction(backend().engine) as connection:
        if not seats.owners(connection, [(show_id, label)]):
            return problem(404, "no_such_seat", "There is no such seat, or no such show.")
        ids = history.bookings_that_had(connection, show_id, label)
        found = ownerships(label, history.of_bookings(connection, ids))
        users = {booking.id: booking.user_id for booking in bookings.by_ids(connection, ids)}
    return answer({"show_id": show_id, "label": label, "history": [_ownership_json(each, users) for each in found]})


def _booking(booking_id: UUID) -> Response:
    """Return a booking's status as its owner sees it, with its decisions. Raises: NoSuchBooking."""
    show_id = show_of(booking_id)
    if show_id > requests.MAX_ID:
        raise NoSuchBooking
    with transaction(backend().engine) as connection:
        stored = bookings.get(connection, booking_id)
        decisions = history.of_bookings(connection, [booking_id]) if stored else []
    replies = redis_reads.read(statuses.read_commands(booking_id, show_id, service().intake.lanes_count))
    fields, _ = statuses.parse(replies)
    user_id = stored.user_id if stored else UUID(fields["u"]) if fields else None
    if user_id is None:
        raise NoSuchBooking
    if stored and int(fields.get("v", 0)) < stored.version:
        seen = status_body.of_booking(stored)
    else:
        seen = run(service().look(booking_id, user_id))
    return answer(
        {
            "booking": orjson.loads(seen.body),
            "user_id": str(user_id),
            "published_version": int(fields["v"]) if fields else None,
            "decisions": [_decision_json(decision) for decision in decisions],
        }
    )


def _decision_json(decision: BookingDecision) -> dict[str, Any]:
    changes = decision.decision
    return {
        "lane": decision.lane,
        "seq": decision.seq,
        "kind": decision.kind,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "accepted_at": iso(decision.accepted_ms),
        "decided_at": iso(decision.decided_ms),
        "recorded_at": iso(decision.recorded_ms),
        "version": changes.get("version"),
        "status": changes.get("status"),
        "seats": changes.get("seats"),
    }


def _ownership_json(each: Ownership, users: dict[UUID, UUID]) -> dict[str, Any]:
    user_id, ended = users.get(each.booking_id), each.ended_by
    return {
        "booking_id": str(each.booking_id),
        "reference": reference(each.booking_id),
        "user_id": str(user_id) if user_id else None,
        "status": each.status,
        "since": iso(each.from_ms),
        "until": iso(each.until_ms),
        "ended_by": {"kind": ended.kind, "outcome": ended.outcome, "reason": ended.reason} if ended else None,
    }
