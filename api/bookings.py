"""Bookings: ask for one, look at it, confirm it, cancel it. The views shape; the lane decides.

POST answers 202 as soon as the request stands in its lane. Repeated with its Idempotency-Key it answers the
same booking: 202 while undecided, 200 with the outcome after, for ever.

In production most POSTs and status GETs are answered before Flask (hotpath.py); what is unusual about one comes here.
"""

from __future__ import annotations

import json
import math
import threading
from typing import cast
from uuid import UUID

from flask import Response, current_app, g, request
from flask_smorest import Blueprint

from api import desk, links, metrics, places
from api.describe import route
from api.door import Door, NoSuchBooking
from api.errors import TooManyRequests
from api.problems import problem
from api.reading import read_body, read_query
from api.replies import Reply
from api.schemas import BOOKING_REQUEST, BOOKING_STATUS, WAIT_QUERY
from api.stores import stores
from api.tokens import current_user
from api.waiters import Waiters
from core import ids
from core.bookings import SETTLED, Status
from core.operations import Cancel, Confirm, kind_of
from db import bookings
from db.engine import transaction

blueprint = Blueprint("bookings", __name__, description="Ask for seats, and follow what became of it.")

FOUND = {202: ("Location", "Retry-After", "ETag"), 200: ("Retry-After", "ETag")}
STATUS_ANSWERS = {200: BOOKING_STATUS, 202: BOOKING_STATUS}
#: Here a `?wait=` holds a thread. Those of the hot path hold none, so only odd requests wait here: few may.
_waiting_threads = threading.BoundedSemaphore(4)


def door() -> Door:
    """The door of the application that answers the current request."""
    return cast(Door, stores().door)


@route(
    blueprint, "POST", "/api/bookings", body=BOOKING_REQUEST, answers=STATUS_ANSWERS, headers=FOUND,
    leads={202: links.BOOKING}, takes=("Idempotency-Key",), errors=(404, 409, 503), secured=True,
)  # fmt: skip
def create() -> Response:
    """Ask for seats: named ones, or so many of the best available; at once, or held first."""
    user_id = current_user()
    asked = read_body(BOOKING_REQUEST)
    return desk.ask(door(), user_id, request.headers.get("Idempotency-Key"), asked, g.request_id).response()


@route(
    blueprint, "GET", "/api/bookings/<uuid:booking_id>", query=WAIT_QUERY, answers={200: BOOKING_STATUS, 304: None},
    headers={200: ("Retry-After", "ETag")}, leads={200: links.STATUS}, takes=("If-None-Match",), errors=(404, 503),
    secured=True,
)  # fmt: skip
def status(booking_id: UUID) -> Response:
    """What became of a booking; with `wait`, as soon as that is decided, or after so many seconds."""
    user_id = current_user()
    wait_s = min(read_query(WAIT_QUERY)["wait"], stores().settings.wait_cap_s) if request.args else 0.0
    if wait_s == 0 or not _waiting_threads.acquire(blocking=False):
        return _shown(desk.look(door(), booking_id, user_id))
    try:
        waiters = cast(Waiters, current_app.extensions["onsale-waiters"])
        return _shown(desk.look_and_wait(door(), waiters, booking_id, user_id, wait_s))
    finally:
        _waiting_threads.release()


@route(
    blueprint, "GET", "/api/bookings/reference/<reference>", answers={200: BOOKING_STATUS},
    headers={200: ("ETag",)}, errors=(404, 503), secured=True,
)  # fmt: skip
def by_reference(reference: str) -> Response:
    """One's own decided booking, by its short form as somebody read it out or typed it."""
    user_id, meant = current_user(), ids.read_reference(reference)
    if meant is None:
        raise NoSuchBooking
    with transaction(stores().engine) as connection:
        booking = bookings.by_reference(connection, user_id, meant)
    if booking is None:
        raise NoSuchBooking
    return _shown(places.of_booking(booking))


@route(
    blueprint, "PATCH", "/api/bookings/<uuid:booking_id>/confirm", answers=STATUS_ANSWERS, headers=FOUND,
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
def confirm(booking_id: UUID) -> Response:
    """Confirm a hold. Accepted before its deadline, it wins, however long it queues."""
    operation = Confirm(booking_id=booking_id, show_id=ids.show_of(booking_id), user_id=current_user())
    return _change(operation, Status.CONFIRMED)


@route(
    blueprint, "DELETE", "/api/bookings/<uuid:booking_id>", answers=STATUS_ANSWERS, headers=FOUND,
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
def cancel(booking_id: UUID) -> Response:
    """Cancel a booking: queued or held, or confirmed until the show starts."""
    operation = Cancel(booking_id=booking_id, show_id=ids.show_of(booking_id), user_id=current_user())
    return _change(operation, Status.CANCELLED)


def _change(operation: Confirm | Cancel, wanted: Status) -> Response:
    """Confirm or cancel: 202 while it waits, 200 if it is so already, 409 if it can never be so."""
    if operation.show_id >= 1 << 31:
        raise NoSuchBooking
    wait_s = door().allowance.wait_s(operation)
    if wait_s:
        raise TooManyRequests(math.ceil(wait_s))
    accepted = door().accept(operation, g.request_id)
    if accepted.code not in ("ACCEPTED", "SAME"):
        if accepted.code == "NO_STATUS":
            raise NoSuchBooking
        return desk.refuse(accepted, g.request_id).response()
    kind = kind_of(operation)
    now = Status(accepted.status["s"])
    seen = places.of_fields(operation.booking_id, accepted.status, accepted.meter)
    if accepted.code == "SAME" and now in SETTLED[kind]:
        if now is wanted:
            return seen.reply(200).response()
        reason = json.loads(accepted.status["b"])["reason"]
        detail = f"The booking is {now.value}, and stays so."
        return problem(409, "booking_final", detail, booking_status=now.value, reason=reason)
    if accepted.code == "ACCEPTED":
        metrics.accepted(kind)
    return seen.reply(202, f"/api/bookings/{operation.booking_id}").response()


def _shown(seen: places.Seen) -> Response:
    """The response to a GET: 304 if the client has this version."""
    shown = seen.reply(200)
    if seen.etag in request.if_none_match:
        shown = Reply(304, "", shown.headers)
    return shown.response()
