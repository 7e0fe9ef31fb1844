"""Public answers: from the cache in Redis or from Postgres, with an ETag by which clients ask again (RFC 9110)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from flask import Response
from sqlalchemy import Connection

from api.catalogue.catalogue_cache import Answer, catalogue_cache
from api.catalogue.pages import Body
from api.catalogue.show_list import listings
from api.web import compression
from api.web.backend import backend
from api.web.compression import Twofold, twofold
from api.web.serializers import PUBLIC, as_bytes
from core.ids import lane_of
from db.kv import catalogue_pages, keys
from db.kv.catalogue_pages import Kind, Page
from db.postgres.engine import transaction

Make = Callable[[Connection], Body | None]


def respond(page: Page, make: Make) -> Response | None:
    """Return the answer to the current request, or 304; None if `make` finds nothing. Raises: PostgresUnavailable."""
    found = _read(page, make)
    return None if found is None else _response(twofold(found.body))


def listed(asked: tuple[object, ...], make: Make) -> Response:
    """Return a page of shows, which this process keeps for a second (show_list.py). Raises: PostgresUnavailable."""

    def read() -> Answer:
        found = _read(catalogue_pages.page(Kind.SHOWS, ("list", *asked)), make)
        assert found is not None
        return found

    return _response(listings().page(asked, read))


def fixed(body: Body) -> Response:
    """Return an answer that needs no store."""
    return _response(twofold(as_bytes(body)))


def page_of_show(show_id: int, *asked: object) -> Page:
    """Return the page of a single show, which is current while the show's card has no later version."""
    intake = backend().service.intake
    lanes = intake.lanes_count if intake.ready else backend().settings.lanes
    return catalogue_pages.page(Kind.SHOWS, ("show", show_id, *asked), keys.card(lane_of(show_id, lanes), show_id))


def changed(*kinds: Kind) -> None:
    """Drop what a change of the catalogue has made outdated, here and in Redis; to be called after COMMIT."""
    listings().drop()
    catalogue_cache().changed(*kinds)


def _read(page: Page, make: Make) -> Answer | None:
    def read() -> Body | None:
        with transaction(backend().engine) as connection:
            return make(connection)

    return catalogue_cache().read(page, read)


def _response(body: Twofold) -> Response:
    return compression.respond(body, "application/json", PUBLIC, etag=tag_of(body.plain))


def tag_of(body: bytes) -> str:
    """Return the ETag of a body, without quotes: of its content, so all processes agree."""
    return blake2b(body, digest_size=12).hexdigest()
