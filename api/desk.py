"""The desk: bookings asked for and looked at, from checked values to a reply. It knows no Flask.

The views of bookings.py and the hot path (hotpath.py) are two ways to the same functions, so that both answer the
same. The desk shapes; the lane decides.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from uuid import UUID

from api import metrics, places
from api.door import Door, NoSuchBooking
from api.errors import MAX_KEY_CHARS, BadIdempotencyKey, InvalidRequest
from api.places import Seen
from api.problems import reply
from api.replies import Reply
from api.waiters import Waiters
from core import ids, logs
from core.bookings import Booking
from core.errors import AcceptUnknown
from core.halls import Hall
from core.operations import Book, Kind
from db.lanes import Accepted
from db.statuses import Meter

log = logs.logger(__name__)

#: Refusals at the door: accept.lua's code -> status, code, detail, seconds until asking again makes sense.
REFUSALS: dict[str, tuple[int, str, str, int | None]] = {
    "NOT_OPEN": (409, "show_not_open", "The show is not on sale yet.", None),
    "PAUSED": (409, "show_paused", "The sale of this show is paused.", 30),
    "CLOSED": (409, "show_closed", "The show is not on sale any more.", None),
    "SOLD_OUT": (409, "sold_out", "Every seat of the show is held or sold.", 5),
    "FULL": (503, "lane_full", "Too many requests are waiting. Nothing was accepted.", 2),
}


def ask(door: Door, user_id: UUID, key: str | None, asked: dict[str, Any], request_id: str) -> Reply:
    """Ask for seats.

    Args:    key: the Idempotency-Key as it came, None if there was none.
             asked: as api/schemas.py BookingRequest loads it.
    Raises:  BadIdempotencyKey, InvalidRequest (seats that the hall does not have), NoSuchShow, RedisAway,
             and PostgresAway if Redis lacks what is needed.
    Repeat:  with a key, the same booking is found again; without one it is another booking.
    """
    key = _checked(key)
    errors = _unknown(door.hall_of(asked["show_id"]), asked)
    if errors:
        raise InvalidRequest(errors)
    operation = _operation(door.booking_secret, user_id, key, asked)
    location = f"/api/bookings/{operation.booking_id}"
    try:
        accepted = door.accept(operation, request_id)
    except AcceptUnknown as error:
        detail = "The answer of the queue was lost: the booking may have been accepted. Look, or repeat the key."
        headers = {"Location": location, "Retry-After": "1"}
        id_ = str(operation.booking_id)
        return reply(503, error.code, detail, headers, request_id=request_id, id=id_)
    if accepted.code in ("ACCEPTED", "SAME"):
        if accepted.code == "ACCEPTED":
            note_accepted(Kind.BOOK, operation.booking_id, accepted, request_id)
        seen = places.of_fields(operation.booking_id, accepted.status, meter(accepted))
        return seen.reply(202 if accepted.status["v"] == "0" else 200, location)
    if accepted.code == "MISMATCH":
        return _mismatch(request_id)
    stored = _stored(door, operation) if accepted.forgotten and key is not None else None
    if stored is None:
        return refuse(accepted.code, request_id)
    same = stored.fingerprint == operation.fingerprint
    return places.of_booking(stored).reply(200, location) if same else _mismatch(request_id)


def look(door: Door, booking_id: UUID, user_id: UUID) -> Seen:
    """The status now: from Redis; from Postgres if Redis has none, or has not heard of the outcome yet.

    Raises: NoSuchBooking (also for another person's), RedisAway, PostgresAway.
    """
    if ids.show_of(booking_id) >= 1 << 31:
        raise NoSuchBooking
    fields, meter_ = door.status(booking_id)
    if not fields:
        return places.of_booking(door.recall(booking_id, user_id))
    if fields["u"] != str(user_id):
        raise NoSuchBooking
    if places.passed(fields, meter_):
        try:
            return places.of_booking(door.recall(booking_id, user_id))
        except NoSuchBooking:
            pass  # not there either: it waits, in an epoch of its own
    return places.of_fields(booking_id, fields, meter_)


def look_and_wait(door: Door, waiters: Waiters, booking_id: UUID, user_id: UUID, wait_s: float) -> Seen:
    """`look`; while something is undecided, look again when it is published, for up to `wait_s` seconds."""
    seen = look(door, booking_id, user_id)
    if wait_s <= 0 or not seen.waits:
        return seen
    deadline = time.monotonic() + wait_s
    with waiters.place(booking_id) as published:
        if published is not None:
            seen = look(door, booking_id, user_id)  # it may have been published before we listened
        while published is not None and seen.waits:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            # A second at the most: should the listener have lost its connection, the wait goes on all the same.
            published.wait(min(left_s, 1.0))
            published.clear()
            seen = look(door, booking_id, user_id)
    return seen


def refuse(code: str, request_id: str) -> Reply:
    """The reply to what accept.lua refused."""
    status, name, detail, retry_after_s = REFUSALS[code]
    metrics.refused(name)
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    return reply(status, name, detail, headers, request_id=request_id)


def meter(accepted: Accepted) -> Meter:
    """How far the lane was when it accepted."""
    return Meter(accepted.epoch, accepted.served, accepted.rate)


def note_accepted(kind: Kind, booking_id: UUID, accepted: Accepted, request_id: str) -> None:
    """Count it. The operation carries the request's id into the journal, so a line each is for debugging only."""
    metrics.accepted(kind.value)
    log.debug("accepted", kind=kind.value, booking_id=str(booking_id), entry=accepted.entry_id, request_id=request_id)


def _checked(key: str | None) -> str | None:
    """The Idempotency-Key: bare, or quoted as the draft wants it. Raises: BadIdempotencyKey."""
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


def _stored(door: Door, operation: Book) -> Booking | None:
    """The booking of a repeated key whose status has left Redis: a refusal must not hide its outcome."""
    try:
        return door.recall(operation.booking_id, operation.user_id)
    except NoSuchBooking:
        return None


def _mismatch(request_id: str) -> Reply:
    detail = "This Idempotency-Key was used with another body."
    return reply(422, "idempotency_key_reused", detail, request_id=request_id)
