"""Parsing: turns a request for seats into the operation that is appended to the lane."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import orjson

from api.shapes.requests import (
    BOOKING_REQUEST,
    MAX_AMOUNT_CENTS,
    MAX_GIVE_UP_MS,
    MAX_ID,
    MAX_SEATS_PER_BOOKING,
    RELEASE_REQUEST,
)
from api.web.errors import MAX_KEY_CHARS, BadIdempotencyKey, InvalidRequest
from api.web.request_reading import loaded
from core import ids
from core.halls import Hall
from core.operations import RULES, Book, Cancel, Release
from core.seat_labels import SEAT_LABEL
from core.wishes import Wish

_LABEL = re.compile(SEAT_LABEL.removesuffix("$"), re.ASCII)
#: The text that is hashed into a fingerprint, as JSON. Fingerprints are stored, so this format must never change.
_CANONICAL = '{"category": %s, "hold": %s, "quantity": %d, "seats": [%s]}'


def booking_request(body: bytes) -> dict[str, Any]:
    """Parse a request body as api/shapes/requests.py BookingRequest does. Raises: NotJson, InvalidRequest.

    Ordinary bodies skip the schema, at a twentieth of its cost; a test compares the two.
    """
    return usual_request(body) or loaded(BOOKING_REQUEST, body)


def usual_request(body: bytes) -> dict[str, Any] | None:
    """Return the parsed body if it is an obviously valid request; None for everything else, valid or not."""
    try:
        asked = orjson.loads(body)
    except ValueError:
        return None
    if type(asked) is not dict or type(show_id := asked.get("show_id")) is not int or not 0 < show_id <= MAX_ID:
        return None
    hold, seats, quantity = asked.setdefault("hold", False), asked.get("seats"), asked.get("quantity")
    give_up_ms = asked.get("give_up_after_ms", 1)
    expected = asked.get("expected_amount_cents", 0)
    if type(give_up_ms) is not int or not 0 < give_up_ms <= MAX_GIVE_UP_MS:
        return None
    if type(expected) is not int or not 0 <= expected <= MAX_AMOUNT_CENTS:
        return None
    if type(hold) is not bool or len(asked) != 3 + ("give_up_after_ms" in asked) + ("expected_amount_cents" in asked):
        return None
    if type(seats) is list:
        some = 0 < len(seats) <= MAX_SEATS_PER_BOOKING
        fits = some and all(map(_is_label, seats)) and len(set(seats)) == len(seats)
    else:
        fits = type(quantity) is int and 0 < quantity <= MAX_SEATS_PER_BOOKING
    return cast(dict[str, Any], asked) if fits else None


def giving_back(body: bytes, booking_id: UUID, user_id: UUID) -> Cancel | Release:
    """Return the operation of a DELETE: without a body the whole booking, with one the seats that it names.

    Raises: NotJson, InvalidRequest.
    """
    show_id = ids.show_of(booking_id)
    if not body:
        return Cancel(booking_id=booking_id, show_id=show_id, user_id=user_id)
    seats = tuple(sorted(loaded(RELEASE_REQUEST, body)["seats"]))
    return Release(booking_id=booking_id, show_id=show_id, user_id=user_id, seats=seats)


def idempotency_key(given: str | None) -> str | None:
    """Return the Idempotency-Key without the quotes that the draft requires. Raises: BadIdempotencyKey."""
    if given is None:
        return None
    key = given.removeprefix('"').removesuffix('"')
    if not key or len(key) > MAX_KEY_CHARS or not key.isascii() or not key.isprintable():
        raise BadIdempotencyKey
    return key


def operation_of(secret: bytes, hall: Hall, user_id: UUID, key: str | None, asked: dict[str, Any]) -> Book:
    """Build the operation of a parsed request. Raises: InvalidRequest: the hall lacks a seat or the category."""
    errors = _unknown(hall, asked)
    if errors:
        raise InvalidRequest(errors)
    seats = tuple(sorted(asked.get("seats", ())))
    category, hold, quantity = asked.get("category"), asked["hold"], asked.get("quantity", 0)
    give_up_after_ms, waiting = asked.get("give_up_after_ms", 0), asked.get("waiting_list", False)
    expected = asked.get("expected_amount_cents")
    wishes = tuple(_wish(each, expected) for each in asked["wishes"]) if "wishes" in asked else ()
    return Book(
        booking_id=ids.booking_id(secret, asked["show_id"], user_id, key),
        show_id=asked["show_id"],
        user_id=user_id,
        fingerprint=fingerprint(seats, quantity, category, hold, give_up_after_ms, waiting, wishes, expected),
        seats=seats,
        quantity=quantity,
        category=category,
        hold=hold,
        give_up_after_ms=give_up_after_ms,
        rules=RULES,
        waiting=waiting,
        wishes=wishes,
        expected_amount_cents=None if wishes else expected,
    )


def _wish(asked: dict[str, Any], expected_amount_cents: int | None) -> Wish:
    """Return one wish of a request; what the whole request expects to pay holds for a wish that does not say."""
    values = {"expected_amount_cents": expected_amount_cents, **asked}
    return Wish(**{**values, "seats": tuple(sorted(asked.get("seats", ())))})


def fingerprint(
    seats: Iterable[str],
    quantity: int,
    category: str | None,
    hold: bool,
    give_up_after_ms: int = 0,
    waiting: bool = False,
    wishes: Sequence[Wish] = (),
    expected_amount_cents: int | None = None,
) -> str:
    """Return the request's fingerprint: requests with the same key are the same if their fingerprints are equal.

    Args: seats: sorted labels of the hall.
    """
    text = _CANONICAL % (
        f'"{category}"' if category else "null",
        "true" if hold else "false",
        quantity,
        ", ".join([f'"{label}"' for label in seats]),
    )
    if give_up_after_ms:
        text += f" {give_up_after_ms}"
    if waiting:
        text += " waiting"
    if wishes:
        text += f" wishes {json.dumps([wish.to_json() for wish in wishes], sort_keys=True)}"
    elif expected_amount_cents is not None:
        text += f" expected {expected_amount_cents}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_label(value: object) -> bool:
    return type(value) is str and _LABEL.fullmatch(value) is not None


def _unknown(hall: Hall, asked: dict[str, Any]) -> list[dict[str, str]]:
    """Return a fault for each seat, or the category, that the hall does not have, also of wishes."""
    errors = []
    if "wishes" in asked:
        errors = [
            {**fault, "pointer": f"/wishes/{index}{fault['pointer']}"}
            for index, wish in enumerate(asked["wishes"])
            for fault in _unknown(hall, wish)
        ]
    errors += [
        {"pointer": f"/seats/{index}", "detail": f"The hall has no seat {label}."}
        for index, label in enumerate(asked.get("seats", ()))
        if label not in hall.seats
    ]
    if asked.get("category") is not None and asked["category"] not in hall.categories:
        errors.append({"pointer": "/category", "detail": f"The hall has only {', '.join(sorted(hall.categories))}."})
    return errors
