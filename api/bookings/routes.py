"""Bookings over HTTP, by Flask: the views read a request, pass it to the service (service.py) and shape the answer.

POST answers 202 as soon as the request is in its lane. Repeated with its Idempotency-Key it answers the same booking:
202 while undecided, 200 with the outcome from then on, for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, g, request
from flask_smorest import Blueprint

from api.access.tokens import current_user
from api.bookings import booked_at_once, parse, status_body
from api.bookings.booked_at_once import preferred_wait_s
from api.bookings.service import BookingService
from api.shapes import answers, links
from api.shapes.requests import BOOKING_REQUEST, RELEASE_REQUEST, WAIT_QUERY
from api.web import streams
from api.web.backend import backend
from api.web.errors import NoSuchBooking
from api.web.openapi import route
from api.web.request_reading import body_if_any, body_of, read_query
from core import ids
from core.operations import Confirm, Extend
from db.postgres import bookings
from db.postgres.engine import transaction

R = TypeVar("R")

blueprint = Blueprint("bookings", __name__, description="Request seats, and follow the outcome.")

FOUND = {202: ("Location", "Retry-After", "ETag"), 200: ("Retry-After", "ETag")}
BOOKED = {
    202: FOUND[202],
    201: ("Location", "Retry-After", "ETag", "Preference-Applied"),
    200: ("Location", "Retry-After", "ETag", "Preference-Applied"),
}
BOOKED_ANSWERS = dict.fromkeys(BOOKED, answers.BOOKING_STATUS)
STATUS_ANSWERS = {200: answers.BOOKING_STATUS, 202: answers.BOOKING_STATUS}
#: A `?wait=` holds one of Flask's threads here: few may wait, others are answered at once.
_waiting_threads = threading.BoundedSemaphore(4)


def service() -> BookingService:
    """Return the booking service of the application that serves the current request."""
    return backend().service


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a call to the service on its event loop, and wait for the result."""
    return backend().loop.run(work)


@route(
    blueprint, "POST", "/api/bookings", body=BOOKING_REQUEST, answers=BOOKED_ANSWERS, headers=BOOKED,
    leads={201: links.STATUS, 202: links.BOOKING}, request_headers=("Idempotency-Key", "Prefer"),
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
def create() -> Response:
    """Request seats: named ones, or a quantity of the best available; confirmed at once, or held first.

    With `Prefer: wait=10` the answer is the outcome if that comes within 10 seconds: 201 if seats were held or sold,
    200 for every other; else 202 as usual.
    """
    user_id = current_user()
    asked = parse.booking_request(body_of(request))
    given = user_id, request.headers.get("Idempotency-Key"), asked, g.request_id
    wait_s = preferred_wait_s(request.headers.get("Prefer"), backend().settings.wait_cap_s)
    if wait_s == 0 or not _waiting_threads.acquire(blocking=False):
        return run(service().book(*given)).response()
    try:
        return run(booked_at_once.book(service(), *given, wait_s)).response()
    finally:
        _waiting_threads.release()


@route(
    blueprint, "GET", "/api/bookings/<uuid:booking_id>", query=WAIT_QUERY, request_headers=("If-None-Match",),
    answers={200: answers.BOOKING_STATUS, 304: None}, headers={200: ("Retry-After", "ETag")},
    leads={200: links.STATUS}, errors=(404, 503), secured=True,
)  # fmt: skip
def status(booking_id: UUID) -> Response:
    """Show a booking; with `wait`, answer once it is decided, or after that many seconds."""
    user_id = current_user()
    wait_s = min(read_query(WAIT_QUERY)["wait"], backend().settings.wait_cap_s) if request.args else 0.0
    if wait_s == 0 or not _waiting_threads.acquire(blocking=False):
        return _shown(run(service().look(booking_id, user_id)))
    try:
        return _shown(run(service().wait(booking_id, user_id, wait_s)))
    finally:
        _waiting_threads.release()


@route(
    blueprint, "GET", "/api/bookings/<uuid:booking_id>/events", request_headers=("Last-Event-ID",),
    answers={200: streams.MEDIA_TYPE}, errors=(404, 503), secured=True,
)  # fmt: skip
def get_booking_events(booking_id: UUID) -> Response:
    """Follow a booking: a server-sent event (`booking`) as its place in line moves, and with its outcome.

    The response ends when nothing about it can change by itself any more (`poll_after_ms` is null). Without the
    front it ends after the first event; clients ask again, after the time that `retry` says.
    """
    user_id, last_id = current_user(), request.headers.get("Last-Event-ID")
    return streams.response(run(backend().booking_events.once(booking_id, user_id, last_id)))


@route(
    blueprint, "GET", "/api/bookings/reference/<reference>", answers={200: answers.BOOKING_STATUS},
    headers={200: ("ETag",)}, errors=(404, 503), secured=True,
)  # fmt: skip
def by_reference(reference: str) -> Response:
    """Show your decided booking with this reference, however it is spelled."""
    user_id, parsed = current_user(), ids.read_reference(reference)
    if parsed is None:
        raise NoSuchBooking
    with transaction(backend().engine) as connection:
        booking = bookings.by_reference(connection, user_id, parsed)
    if booking is None:
        raise NoSuchBooking
    return _shown(status_body.of_booking(booking))


@route(
    blueprint, "PATCH", "/api/bookings/<uuid:booking_id>/confirm", answers=STATUS_ANSWERS, headers=FOUND,
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
def confirm(booking_id: UUID) -> Response:
    """Confirm a hold. A confirm accepted before the deadline wins, however long it is queued."""
    operation = Confirm(booking_id=booking_id, show_id=ids.show_of(booking_id), user_id=current_user())
    return run(service().change(operation, g.request_id)).response()


@route(
    blueprint, "PATCH", "/api/bookings/<uuid:booking_id>/extend", answers=STATUS_ANSWERS, headers=FOUND,
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
def extend(booking_id: UUID) -> Response:
    """Extend a hold, once, by the show's `hold_extension_s`."""
    operation = Extend(booking_id=booking_id, show_id=ids.show_of(booking_id), user_id=current_user())
    return run(service().change(operation, g.request_id)).response()


@route(
    blueprint, "DELETE", "/api/bookings/<uuid:booking_id>", body=RELEASE_REQUEST, body_required=False,
    answers=STATUS_ANSWERS, headers=FOUND, errors=(404, 409, 503), secured=True,
)  # fmt: skip
def cancel(booking_id: UUID) -> Response:
    """Cancel a booking that is queued or held, or, until the show starts, confirmed; or give some seats back.

    With a body, the seats that it names are given back and the others stay. While the booking is queued: 409.
    """
    user_id = current_user()
    operation = parse.giving_back(body_if_any(request), booking_id, user_id)
    return run(service().change(operation, g.request_id)).response()


def _shown(seen: status_body.Seen) -> Response:
    return seen.reply(200).unless_known(request.headers.get("If-None-Match")).response()
