"""Plain requests: what the hot path (hotpath.py) recognises by itself, without schema and without Flask."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from api.schemas import MAX_GIVE_UP_MS, MAX_ID, MAX_SEATS_PER_BOOKING, SEAT_LABEL

Receive = Callable[[], Awaitable[Any]]
Headers = dict[bytes, bytes]

_LABEL = re.compile(SEAT_LABEL.removesuffix("$"), re.ASCII)
#: Digits of a Content-Length that is worth reading.
_LENGTH_DIGITS = 9


def headers_of(given: list[tuple[bytes, bytes]]) -> Headers:
    """A request's headers by name; none at all where one is given twice: what that means, Flask says."""
    headers = dict(given)
    return headers if len(headers) == len(given) else {}


def length_of(headers: Headers) -> int | None:
    """The Content-Length, bytes; None if there is none, or none that can be believed."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) <= _LENGTH_DIGITS else None


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request; what there is of it if the client went away."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def booking_of(body: bytes) -> dict[str, Any] | None:
    """A booking request as api/schemas.py BookingRequest would load it, if it plainly is one.

    None for everything else, valid or not: the schema decides. A test compares the two.
    """
    try:
        asked = orjson.loads(body)
    except ValueError:
        return None
    if type(asked) is not dict or type(show_id := asked.get("show_id")) is not int or not 0 < show_id <= MAX_ID:
        return None
    hold, seats, quantity = asked.setdefault("hold", False), asked.get("seats"), asked.get("quantity")
    give_up_ms = asked.get("give_up_after_ms", 1)
    if type(give_up_ms) is not int or not 0 < give_up_ms <= MAX_GIVE_UP_MS:
        return None
    if type(hold) is not bool or len(asked) != 3 + ("give_up_after_ms" in asked):
        return None
    if type(seats) is list:
        some = 0 < len(seats) <= MAX_SEATS_PER_BOOKING
        fits = some and all(map(_is_label, seats)) and len(set(seats)) == len(seats)
    else:
        fits = type(quantity) is int and 0 < quantity <= MAX_SEATS_PER_BOOKING
    return asked if fits else None


def _is_label(value: object) -> bool:
    return type(value) is str and _LABEL.fullmatch(value) is not None
