"""Serializers: turn the database's rows into dicts and JSON answers. `api/shapes/answers.py` describes them.

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
from db.postgres.catalogue import ShowListing
from db.postgres.halls import HallListing
from db.postgres.journal import ChangeOutcome
from db.postgres.movies import Movie
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


def movie_json(movie: Movie) -> dict[str, Any]:
    """Return a movie as JSON."""
    return {
        "id": movie.id,
        "title": movie.title,
        "description": movie.description,
        "genre": movie.genre,
        "duration_min": movie.duration_min,
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


def hall_json(hall: HallListing) -> dict[str, Any]:
    """Return a hall without its plan as JSON."""
    return {"id": hall.id, "name": hall.name, "capacity": hall.capacity}


def _seconds(ms: int) -> float:
    """Return milliseconds as seconds: a whole number if it is one."""
    whole, rest = divmod(ms, 1000)
    return ms / 1000 if rest else whole


def show_json(show: ShowListing) -> dict[str, Any]:
    """Return a show as JSON."""
    settings = show.settings
    return {
        "id": show.id,
        "movie": {
            "id": show.movie_id,
            "title": show.title,
            "genre": show.genre,
            "duration_min": show.duration_min,
        },
        "hall": {"id": show.hall_id, "name": show.hall_name},
        "starts_at": iso(settings.starts_ms),
        "state": settings.state.value,
        "sales_open_at": iso(settings.sales_open_ms or None),
        "sales_close_at": iso(settings.sales_close_ms),
        "seats_per_user": settings.seats_per_user,
        "hold_s": _seconds(settings.hold_ms),
        "hold_extension_s": _seconds(settings.hold_extension_ms),
        "offer_s": _seconds(settings.offer_ms),
        "waiting_list_max": settings.waiting_list_max,
        "prices": dict(settings.prices),
        "capacity": show.capacity,
        "free": show.capacity - show.held - show.sold,
        "held": show.held,
        "sold": show.sold,
        "version": show.version,
    }
