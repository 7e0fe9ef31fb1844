"""The requests that change a booking, as bytes."""

from __future__ import annotations

from typing import Any

from proof.chaos.record import CANCEL, CONFIRM, EXTEND, RELEASE
from proof.kit.async_client import request

#: Kind -> the method, and what follows the booking's id in the path.
CHANGED_BY = {
    CONFIRM: ("PATCH", "/confirm"),
    EXTEND: ("PATCH", "/extend"),
    CANCEL: ("DELETE", ""),
    RELEASE: ("DELETE", ""),
}


def change_request(kind: str, booking: str, token: str, asked: dict[str, Any]) -> bytes:
    """Return an operation on a booking as a request. `asked`: of a RELEASE, its body."""
    method, tail = CHANGED_BY[kind]
    return request(method, f"/api/bookings/{booking}{tail}", token=token, body=asked or None)
