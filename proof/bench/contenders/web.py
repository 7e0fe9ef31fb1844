"""The parts of the product's HTTP side that the other contenders share: tokens, shapes, ids."""

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

#: The secret from which booking ids are derived here; a real one would be random.
ID_SECRET = b"b" * 32
#: Milliseconds after which the contenders with a queue want their buyers to poll.
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
    """Return an application with a readiness endpoint."""
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.add_url_rule("/readyz", "readyz", lambda: "ready")
    return app


def read(verifier: Verifier) -> Wanted:
    """Return the current request, validated as the product does it. Raises what the product raises."""
    user_id = user(verifier)
    asked = read_body(BOOKING_REQUEST)
    seats = sorted(asked["seats"])
    fingerprint = hashlib.sha256(json.dumps({"seats": seats}).encode()).hexdigest()[:32]
    id_ = ids.booking_id(ID_SECRET, asked["show_id"], user_id, request.headers.get("Idempotency-Key"))
    return Wanted(id_, asked["show_id"], user_id, seats, fingerprint)


def user(verifier: Verifier) -> UUID:
    """Return the user of the request's token. Raises: TokenMissing, TokenInvalid, TokenExpired."""
    return verifier.identity(request.headers.get("Authorization", "")).user_id


def answer(code: int, body: Mapping[str, Any]) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body, separators=(",", ":")), status=code, content_type="application/json")


def queued(id_: UUID) -> Response:
    """Return the 202 of a booking that is queued."""
    return answer(202, {"id": str(id_), "status": "PENDING", "poll_after_ms": POLL_AFTER_MS})


def seen(id_: UUID, status: str | None) -> Response:
    """Return the answer to a poll; `status` None: undecided."""
    if status is None:
        return answer(200, {"id": str(id_), "status": "PENDING", "poll_after_ms": POLL_AFTER_MS})
    return answer(200, {"id": str(id_), "status": status, "poll_after_ms": None})
