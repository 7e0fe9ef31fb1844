"""What the HTTP side of the other contenders shares with the product: tokens, shapes, ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask, Response, request

from api.access.tokens import Verifier
from api.app import MAX_BODY_BYTES
from api.shapes.requests import BOOKING_REQUEST
from api.web.request_reading import read_body
from core import ids

#: What derives booking ids here; a real one would be drawn.
ID_SECRET = b"b" * 32
#: When a contender with a queue wants its buyers to ask again, ms.
POLL_AFTER_MS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A valid request."""

    id: UUID
    show_id: int
    user_id: UUID
    seats: list[str]
    fingerprint: str


def application(name: str) -> Flask:
    """An application that tells when it is ready."""
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.add_url_rule("/readyz", "readyz", lambda: "ready")
    return app


def read(verifier: Verifier) -> Wanted:
    """The current request, checked as the product checks it. Raises what the product raises."""
    user_id = user(verifier)
    asked = read_body(BOOKING_REQUEST)
    seats = sorted(asked["seats"])
    fingerprint = hashlib.sha256(json.dumps({"seats": seats}).encode()).hexdigest()[:32]
    id_ = ids.booking_id(ID_SECRET, asked["show_id"], user_id, request.headers.get("Idempotency-Key"))
    return Wanted(id_, asked["show_id"], user_id, seats, fingerprint)


def user(verifier: Verifier) -> UUID:
    """Who asks. Raises: TokenMissing, TokenInvalid, TokenExpired."""
    return verifier.identity(request.headers.get("Authorization", "")).user_id


def answer(code: int, body: Mapping[str, Any]) -> Response:
    """A response."""
    return Response(json.dumps(body, separators=(",", ":")), status=code, content_type="application/json")


def queued(id_: UUID) -> Response:
    """202: the booking waits."""
    return answer(202, {"id": str(id_), "status": "PENDING", "poll_after_ms": POLL_AFTER_MS})


def seen(id_: UUID, status: str | None) -> Response:
    """The answer to a poll; `status` None: undecided."""
    if status is None:
        return answer(200, {"id": str(id_), "status": "PENDING", "poll_after_ms": POLL_AFTER_MS})
    return answer(200, {"id": str(id_), "status": status, "poll_after_ms": None})
