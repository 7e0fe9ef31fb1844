"""The desk: bookings asked for and looked at, from checked values to a reply. It knows no Flask.

The views of bookings.py and the hot path (hotpath.py) are two ways to the same functions, so that both answer the
same. The desk shapes; the lane decides.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from api import metrics, places
from api.door import Door, NoSuchBooking
from api.errors import MAX_KEY_CHARS, BadIdempotencyKey, InvalidRequest
from api.places import Seen
from api.problems import reply
from api.replies import Reply
from api.waiters import Waiters
from core import ids
from core.bookings import Booking
from core.errors import AcceptUnknown, PostgresAway
from core.halls import Hall
from core.line import Meter, come_again_s
from core.operations import Book, Kind
from core.times import iso
from db.lanes import Accepted

#: What fingerprints are made of, as JSON. Stored bookings have them: this spelling never changes.
_CANONICAL = '{"category": %s, "hold": %s, "quantity": %d, "seats": [%s]}'
#: Instead of a number of seconds: as the lane's depth and rate say.
BY_THE_LINE = 0
#: A show may open in a year; whoever asks once a day learns of a sale that was moved forward.
DAY_S = 86_400
#: Refusals at the door: accept.lua's code -> status, code, detail, seconds until asking again makes sense.
REFUSALS: dict[str, tuple[int, str, str, int | None]] = {
    "NOT_OPEN": (409, "show_not_open", "The show is not on sale yet.", None),
    "PAUSED": (409, "show_paused", "The sale of this show is paused.", 30),
    "CLOSED": (409, "show_closed", "The show is not on sale any more.", None),
    "SOLD_OUT": (409, "sold_out", "Every seat of the show is held or sold.", 5),
    "SEAT_TAKEN": (409, "seat_taken", "Seats that were asked for are held or sold.", None),
    "LIMIT_REACHED": (409, "limit_reached", "These would be more seats of the show than one person may have.", None),
    "FULL": (503, "lane_full", "Too many requests are waiting. Nothing new was accepted.", BY_THE_LINE),
    "SHOW_FULL": (503, "show_full", "Too many requests wait for this show. Nothing new was accepted.", BY_THE_LINE),
    "TOO_MANY": (
        429,
        "too_many_bookings",
        "Too many of your bookings are undecided, or were made lately.",
        BY_THE_LINE,
    ),
}


def ask(door: Door, user_id: UUID, key: str | None, asked: dict[str, Any], request_id: str) -> Reply:
    """Ask for seats.

    Args:    key: the Idempotency-Key as it came, None if there was none.
             asked: as api/schemas.py BookingRequest loads it.
    Raises:  BadIdempotencyKey, InvalidRequest (seats that the hall does not have), NoSuchShow, RedisAway,
             and PostgresAway if Redis lacks what is needed.
    Repeat:  with a key, the same booking is found again; without one it is another booking.
    """
    key = checked(key)
    hall = door.hall_of(asked["show_id"])
    return take(door, operation_of(door.booking_secret, hall, user_id, key, asked), key is not None, request_id)


def take(door: Door, operation: Book, keyed: bool, request_id: str, known: Accepted | None = None) -> Reply:
    """Accept a Book, and look into Postgres for whatever Redis lacks.

    Args: keyed: it may be a repetition.   known: what accept.lua has answered already.
    """
    try:
        accepted = door.accept(operation, request_id, known)
    except AcceptUnknown:
        return unknown(operation, request_id)
    reply_ = answered(operation, accepted, keyed, request_id)
    if reply_ is not None:
        return reply_
    try:
        stored = _stored(door, operation)
    except PostgresAway:
        if accepted.code != "SAME":
            raise
        stored = None
    if stored is None:
        if accepted.code == "SAME":
            return _seen(operation, accepted)
        return refuse(accepted, request_id, **_taken(operation, accepted))
    same = stored.fingerprint == operation.fingerprint
    return places.of_booking(stored).reply(200, _location(operation)) if same else _mismatch(request_id)


def answered(operation: Book, accepted: Accepted, keyed: bool, request_id: str) -> Reply | None:
    """The reply to what accept.lua said of a Book; None if it depends on an outcome that has left Redis."""
    if accepted.code in ("ACCEPTED", "SAME"):
        if accepted.code == "ACCEPTED":
            metrics.accepted(Kind.BOOK)
        elif places.overdue(accepted.status):
            return None
        return _seen(operation, accepted)
    if accepted.code == "MISMATCH":
        return _mismatch(request_id)
    if accepted.forgotten and keyed:
        return None
    return refuse(accepted, request_id, **_taken(operation, accepted))


def _seen(operation: Book, accepted: Accepted) -> Reply:
    """The reply with the status as accept.lua found or wrote it."""
    seen_ = places.of_fields(operation.booking_id, accepted.status, accepted.meter)
    return seen_.reply(202 if accepted.status["v"] == "0" else 200, _location(operation))


def _taken(operation: Book, accepted: Accepted) -> dict[str, list[str]]:
    """Of seats that the door has refused: which of them are taken."""
    places_ = accepted.status.get("seats", "").split()
    return {"seats": [operation.seats[int(place)] for place in places_]} if places_ else {}


def unknown(operation: Book, request_id: str) -> Reply:
    """The reply when accept's answer was lost: the client learns under which id to look."""
    detail = "The answer of the queue was lost: the booking may have been accepted. Look, or repeat the key."
    headers = {"Location": _location(operation), "Retry-After": "1"}
    id_ = str(operation.booking_id)
    return reply(503, AcceptUnknown.code, detail, headers, request_id=request_id, id=id_)


def _location(operation: Book) -> str:
    return f"/api/bookings/{operation.booking_id}"


def look(door: Door, booking_id: UUID, user_id: UUID) -> Seen:
    """The status now: from Redis; from Postgres if Redis has none, or may have missed the outcome.

    Raises: NoSuchBooking (also for another person's, and for a queued one whose entry is lost: the key may be
            repeated), RedisAway, PostgresAway.
    """
    fields, meter_ = door.status(known_id(booking_id))
    seen_ = seen(booking_id, user_id, fields, meter_)
    if seen_ is not None:
        return seen_
    try:
        return places.of_booking(door.recall(booking_id, user_id))
    except PostgresAway:
        if not fields or places.passed(fields, meter_):
            raise
        return places.of_fields(booking_id, fields, meter_)  # a hold past its deadline: what Redis says may be so


def known_id(booking_id: UUID) -> UUID:
    """The id, if it can be one of ours. Raises: NoSuchBooking."""
    if ids.show_of(booking_id) >= 1 << 31:
        raise NoSuchBooking
    return booking_id


def seen(booking_id: UUID, user_id: UUID, fields: dict[str, str], meter_: Meter) -> Seen | None:
    """The status by what Redis has of it; None if Postgres must be asked. Raises: NoSuchBooking."""
    if not fields:
        return None
    if fields["u"] != str(user_id):
        raise NoSuchBooking
    if places.passed(fields, meter_) or places.overdue(fields):
        return None
    return places.of_fields(booking_id, fields, meter_)


def look_and_wait(door: Door, waiters: Waiters, booking_id: UUID, user_id: UUID, wait_s: float) -> Seen:
    """`look`; while something is undecided, look again when it is published, for up to `wait_s` seconds."""
    if wait_s <= 0:
        return look(door, booking_id, user_id)
    deadline = time.monotonic() + wait_s
    with waiters.place(booking_id) as published:
        seen_ = look(door, booking_id, user_id)  # whatever is published after this look wakes us
        while published is not None and seen_.waits:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            # A second at the most: should the listener have lost its connection, the wait goes on all the same.
            published.wait(min(left_s, 1.0))
            published.clear()
            seen_ = look(door, booking_id, user_id)
    return seen_


def refuse(accepted: Accepted, request_id: str, **extra: Any) -> Reply:
    """The reply to what accept.lua refused. `extra`: further members of its body."""
    status, name, detail, retry_after_s = REFUSALS[accepted.code]
    metrics.refused(name)
    if retry_after_s == BY_THE_LINE:
        retry_after_s = come_again_s(accepted.meter)
    if accepted.code == "NOT_OPEN":
        opens_ms = int(accepted.status["opens"])
        extra["opens_at"] = iso(opens_ms)
        retry_after_s = min(max(1, -(-(opens_ms - accepted.meter.now_ms) // 1000)), DAY_S)
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
    return reply(status, name, detail, headers, request_id=request_id, **extra)


def checked(key: str | None) -> str | None:
    """The Idempotency-Key: bare, or quoted as the draft wants it. Raises: BadIdempotencyKey."""
    if key is None:
        return None
    key = key.removeprefix('"').removesuffix('"')
    if not key or len(key) > MAX_KEY_CHARS or not key.isascii() or not key.isprintable():
        raise BadIdempotencyKey
    return key


def operation_of(secret: bytes, hall: Hall, user_id: UUID, key: str | None, asked: dict[str, Any]) -> Book:
    """The operation that is asked for. Raises: InvalidRequest: the hall of the show does not have such seats."""
    errors = _unknown(hall, asked)
    if errors:
        raise InvalidRequest(errors)
    seats = tuple(sorted(asked.get("seats", ())))
    category, hold, quantity = asked.get("category"), asked["hold"], asked.get("quantity", 0)
    give_up_after_ms = asked.get("give_up_after_ms", 0)
    return Book(
        booking_id=ids.booking_id(secret, asked["show_id"], user_id, key),
        show_id=asked["show_id"],
        user_id=user_id,
        fingerprint=fingerprint(seats, quantity, category, hold, give_up_after_ms),
        seats=seats,
        quantity=quantity,
        category=category,
        hold=hold,
        give_up_after_ms=give_up_after_ms,
    )


def fingerprint(
    seats: Iterable[str], quantity: int, category: str | None, hold: bool, give_up_after_ms: int = 0
) -> str:
    """Of what is asked for: two requests with one key are the same if theirs are. `seats`: sorted, of a hall."""
    text = _CANONICAL % (
        f'"{category}"' if category else "null",
        "true" if hold else "false",
        quantity,
        ", ".join([f'"{label}"' for label in seats]),
    )
    if give_up_after_ms:
        text += f" {give_up_after_ms}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
