"""Bookings: ask for one, look at it, confirm it, cancel it. The views shape; the lane decides.

POST answers 202 as soon as the request stands in its lane. Repeated with its Idempotency-Key it answers the
same booking: 202 while undecided, 200 with the outcome after, for ever.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any, cast
from uuid import UUID

from flask import Response, current_app, g, request
from flask_smorest import Blueprint

from api import metrics, places
from api.describe import route
from api.door import Door, NoSuchBooking
from api.errors import MAX_KEY_CHARS, BadIdempotencyKey, InvalidRequest
from api.problems import problem
from api.reading import read_body, read_query
from api.schemas import BOOKING_REQUEST, BOOKING_STATUS, WAIT_QUERY
from api.stores import stores
from api.tokens import current_user
from api.waiters import Waiters
from core import ids, logs
from core.bookings import SETTLED, Booking, Status
from core.errors import AcceptUnknown
from core.halls import Hall
from core.operations import Book, Cancel, Confirm, Kind, kind_of
from db import bookings
from db.engine import transaction
from db.lanes import Accepted
from db.statuses import Meter

blueprint = Blueprint("bookings", __name__, description="Ask for seats, and follow what became of it.")
log = logs.logger(__name__)

#: Refusals at the door: accept.lua's code -> status, code, detail, seconds until asking again makes sense.
REFUSALS: dict[str, tuple[int, str, str, int | None]] = {
    "NOT_OPEN": (409, "show_not_open", "The show is not on sale yet.", None),
    "PAUSED": (409, "show_paused", "The sale of this show is paused.", 30),
    "CLOSED": (409, "show_closed", "The show is not on sale any more.", None),
    "SOLD_OUT": (409, "sold_out", "Every seat of the show is held or sold.", 5),
    "FULL": (503, "lane_full", "Too many requests are waiting. Nothing was accepted.", 2),
}
FOUND = {202: ("Location", "Retry-After", "ETag"), 200: ("Retry-After", "ETag")}
STATUS_ANSWERS = {200: BOOKING_STATUS, 202: BOOKING_STATUS}


def door() -> Door:
    """The door of the application that answers the current request."""
    return cast(Door, stores().door)


@route(
    blueprint, "POST", "/api/bookings", body=BOOKING_REQUEST, answers=STATUS_ANSWERS, headers=FOUND,
    takes=("Idempotency-Key",), errors=(404, 409, 503), secured=True,
)  # fmt: skip
def create() -> Response:
    """Ask for seats: named ones, or so many of the best available; at once, or held first."""
    user_id = current_user()
    asked = read_body(BOOKING_REQUEST)
    key = _key()
    errors = _unknown(door().hall_of(asked["show_id"]), asked)
    if errors:
        raise InvalidRequest(errors)
    operation = _operation(door().booking_secret, user_id, key, asked)
    location = f"/api/bookings/{operation.booking_id}"
    try:
        accepted = door().accept(operation, g.request_id)
    except AcceptUnknown as error:
        detail = "The answer of the queue was lost: the booking may have been accepted. Look, or repeat the key."
        headers = {"Location": location, "Retry-After": "1"}
        return problem(503, error.code, detail, headers, id=str(operation.booking_id))
    if accepted.code in ("ACCEPTED", "SAME"):
        if accepted.code == "ACCEPTED":
            _note_accepted(Kind.BOOK, operation.booking_id, accepted)
        seen = places.of_fields(operation.booking_id, accepted.status, _meter(accepted))
        return seen.respond(202 if accepted.status["v"] == "0" else 200, location)
    if accepted.code == "MISMATCH":
        return _mismatch()
    stored = _stored(operation) if accepted.forgotten and key is not None else None
    if stored is None:
        return _refuse(accepted.code)
    same = stored.fingerprint == operation.fingerprint
    return places.of_booking(stored).respond(200, location) if same else _mismatch()


@route(
    blueprint, "GET", "/api/bookings/<uuid:booking_id>", query=WAIT_QUERY, answers={200: BOOKING_STATUS, 304: None},
    headers={200: ("Retry-After", "ETag")}, takes=("If-None-Match",), errors=(404, 503), secured=True,
)  # fmt: skip
def status(booking_id: UUID) -> Response:
    """What became of a booking; with `wait`, as soon as that is decided, or after so many seconds."""
    user_id = current_user()
    wait_s = min(read_query(WAIT_QUERY)["wait"], stores().settings.wait_cap_s) if request.args else 0.0
    seen = _look(booking_id, user_id)
    if wait_s > 0 and seen.waits:
        seen = _wait(booking_id, user_id, seen, wait_s)
    return seen.respond(200)


@route(
    blueprint, "GET", "/api/bookings/reference/<reference>", answers={200: BOOKING_STATUS},
    headers={200: ("ETag",)}, errors=(404, 503), secured=True,
)  # fmt: skip
def by_reference(reference: str) -> Response:
    """One's own decided booking, by its short form."""
    with transaction(stores().engine) as connection:
        booking = bookings.by_reference(connection, current_user(), reference)
    if booking is None:
        raise NoSuchBooking
    return places.of_booking(booking).respond(200)


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
    accepted = door().accept(operation, g.request_id)
    if accepted.code not in ("ACCEPTED", "SAME"):
        if accepted.code == "NO_STATUS":
            raise NoSuchBooking
        return _refuse(accepted.code)
    kind = kind_of(operation)
    now = Status(accepted.status["s"])
    if accepted.code == "SAME" and now in SETTLED[kind]:
        if now is wanted:
            return places.of_fields(operation.booking_id, accepted.status, _meter(accepted)).respond(200)
        reason = json.loads(accepted.status["b"])["reason"]
        detail = f"The booking is {now.value}, and stays so."
        return problem(409, "booking_final", detail, booking_status=now.value, reason=reason)
    if accepted.code == "ACCEPTED":
        _note_accepted(kind, operation.booking_id, accepted)
    seen = places.of_fields(operation.booking_id, accepted.status, _meter(accepted))
    return seen.respond(202, f"/api/bookings/{operation.booking_id}")


def _look(booking_id: UUID, user_id: UUID) -> places.Seen:
    """The status now: from Redis; from Postgres if Redis has none, or has not heard of the outcome yet."""
    if ids.show_of(booking_id) >= 1 << 31:
        raise NoSuchBooking
    fields, meter = door().status(booking_id)
    if not fields:
        return places.of_booking(door().recall(booking_id, user_id))
    if fields["u"] != str(user_id):
        raise NoSuchBooking
    if places.passed(fields, meter):
        try:
            return places.of_booking(door().recall(booking_id, user_id))
        except NoSuchBooking:
            pass  # not there either: it waits, in an epoch of its own
    return places.of_fields(booking_id, fields, meter)


def _wait(booking_id: UUID, user_id: UUID, seen: places.Seen, wait_s: float) -> places.Seen:
    deadline = time.monotonic() + wait_s
    with cast(Waiters, current_app.extensions["onsale-waiters"]).place(booking_id) as published:
        if published is not None:
            seen = _look(booking_id, user_id)  # it may have been published before we listened
        while published is not None and seen.waits:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            # A second at the most: should the listener have lost its connection, the wait goes on all the same.
            published.wait(min(left_s, 1.0))
            published.clear()
            seen = _look(booking_id, user_id)
    return seen


def _key() -> str | None:
    """The Idempotency-Key: bare, or quoted as the draft wants it. Raises: BadIdempotencyKey."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.removeprefix('"').removesuffix('"')
    if not key or len(key) > MAX_KEY_CHARS or not key.isascii() or not key.isprintable():
        raise BadIdempotencyKey
    return key


def _operation(secret: bytes, user_id: UUID, key: str | None, asked: dict[str, Any]) -> Book:
    body = {
        "seats": sorted(asked.get("seats", ())),
        "quantity": asked.get("quantity", 0),
        "category": asked.get("category"),
        "hold": asked["hold"],
    }
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
    return Book(
        booking_id=ids.booking_id(secret, asked["show_id"], user_id, key),
        show_id=asked["show_id"],
        user_id=user_id,
        fingerprint=fingerprint,
        seats=tuple(body["seats"]),
        quantity=body["quantity"],
        category=body["category"],
        hold=body["hold"],
    )


def _unknown(hall: Hall, asked: dict[str, Any]) -> list[dict[str, str]]:
    """What the hall of the show does not have."""
    errors = [
        {"pointer": f"/seats/{index}", "detail": f"The hall has no seat {label}."}
        for index, label in enumerate(asked.get("seats", ()))
        if label not in hall.seats
    ]
    if asked.get("category") is not None and asked["category"] not in hall.categories:
        errors.append({"pointer": "/category", "detail": f"The hall has only {', '.join(sorted(hall.categories))}."})
    return errors


def _stored(operation: Book) -> Booking | None:
    """The booking of a repeated key whose status has left Redis: a refusal must not hide its outcome."""
    try:
        return door().recall(operation.booking_id, operation.user_id)
    except NoSuchBooking:
        return None


def _mismatch() -> Response:
    return problem(422, "idempotency_key_reused", "This Idempotency-Key was used with another body.")


def _refuse(code: str) -> Response:
    http_status, name, detail, retry_after_s = REFUSALS[code]
    metrics.refused(name)
    return problem(http_status, name, detail, {"Retry-After": str(retry_after_s)} if retry_after_s else None)


def _meter(accepted: Accepted) -> Meter:
    return Meter(accepted.epoch, accepted.served, accepted.rate)


def _note_accepted(kind: Kind, booking_id: UUID, accepted: Accepted) -> None:
    """Count it and log it; this line stands for the request's own."""
    metrics.accepted(kind.value)
    log.info("accepted", kind=kind.value, booking_id=str(booking_id), entry=accepted.entry_id)
    g.logged = True
