"""Serializers: turn the database's rows into dicts and JSON answers. `api/shapes/answers.py` describes them.

`api/web/catalogue_json.py` has those of movies, halls and shows.

Times are ISO 8601 UTC with milliseconds and Z; money is in whole cents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from api.web import reply
from api.web.proxies import located
from core.operations import StreamId
from core.times import iso, to_ms
from db.postgres.journal import ChangeOutcome
from db.postgres.sessions import Session
from db.postgres.users import User

PUBLIC = {"Cache-Control": reply.PUBLIC}


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    response = Response(as_bytes(body), status=status, content_type="application/json")
    if headers:
        response.headers.update(headers)
    return response


def created(body: Mapping[str, Any], path: str) -> Response:
    """Return a 201 with the Location of the new resource: `path` below the client's prefix."""
    return answer(body, 201, {"Location": here(path)})


def here(path: str) -> str:
    """Return a path of ours as the client of the current request must request it."""
    return located(request.script_root, path)


def as_bytes(body: Mapping[str, Any]) -> bytes:
    """Return the body of a JSON response."""
    return json.dumps(body, separators=(",", ":")).encode()


def user_json(user: User) -> dict[str, Any]:
    """Return an account as JSON."""
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "created_at": iso(to_ms(user.created_at)),
    }


def session_json(session: Session) -> dict[str, Any]:
    """Return a session as JSON."""
    return {
        "id": str(session.id),
        "created_at": iso(to_ms(session.created_at)),
        "expires_at": iso(to_ms(session.expires_at)),
    }


def change_json(show_id: int, change_id: str, id_: StreamId, decided: ChangeOutcome | None) -> dict[str, Any]:
    """Return a change of a show as JSON; it is ACCEPTED while it waits in its lane (`decided`: None)."""
    return {
        "id": change_id,
        "show_id": show_id,
        "status": decided.outcome if decided else "ACCEPTED",
        "reason": decided.reason if decided else None,
        "accepted_at": iso(id_.ms),
        "decided_at": iso(decided.decided_ms) if decided else None,
        "seats_left": decided.seats_left if decided else None,
    }
