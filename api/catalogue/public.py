"""Public answers: built from Postgres, with an ETag by which clients and caches can ask again (RFC 9110)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from flask import Response
from sqlalchemy import Connection

from api.catalogue.pages import Body
from api.catalogue.show_list import listings
from api.web import compression
from api.web.backend import backend
from api.web.compression import Twofold, twofold
from api.web.serializers import PUBLIC, as_bytes
from db.postgres.engine import transaction

Make = Callable[[Connection], Body | None]


def respond(make: Make) -> Response | None:
    """Return the answer to the current request, or 304; None if `make` finds nothing. Raises: PostgresUnavailable."""
    with transaction(backend().engine) as connection:
        body = make(connection)
    return None if body is None else _response(twofold(as_bytes(body)))


def listed(key: object, make: Make) -> Response:
    """Return a page of shows, which this process keeps for a second (show_list.py). Raises: PostgresUnavailable."""

    def read() -> bytes:
        with transaction(backend().engine) as connection:
            body = make(connection)
        assert body is not None
        return as_bytes(body)

    return _response(listings().page(key, read))


def fixed(body: Body) -> Response:
    """Return an answer that needs no store."""
    return _response(twofold(as_bytes(body)))


def _response(body: Twofold) -> Response:
    return compression.respond(body, "application/json", PUBLIC, etag=tag_of(body.plain))


def tag_of(body: bytes) -> str:
    """Return the ETag of a body, without quotes: of its content, so all processes agree."""
    return blake2b(body, digest_size=12).hexdigest()
