"""Creating shows: in a hall, or with a number of seats alone; of a movie, or with a name alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from redis.exceptions import OutOfMemoryError
from sqlalchemy import Connection

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import public
from api.catalogue.shows import check_prices
from api.shapes import answers, catalogue_requests, links
from api.web.backend import backend
from api.web.catalogue_json import show_json, view
from api.web.errors import HallTaken, InvalidRequest
from api.web.openapi import route
from api.web.request_reading import read_body
from api.web.serializers import created
from core import logs
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.general_halls import general_plan
from core.halls import Hall
from core.shows import ShowSettings
from db.kv.catalogue_pages import Kind
from db.postgres import catalogue, halls
from db.postgres.catalogue import ShowListing
from db.postgres.engine import transaction
from db.postgres.halls import HallRow

log = logs.logger(__name__)

blueprint = Blueprint("new_shows", __name__, url_prefix="/api/shows", description="Creating shows.")


@route(
    blueprint,
    "POST",
    "",
    body=catalogue_requests.SHOW_REQUEST,
    answers={201: answers.SHOW},
    leads={201: links.SHOW},
    headers={201: ("Location",)},
    errors=(403, 409, 503),
    secured=True,
)
@admin_required
def create_show() -> Response:
    """Put a show on sale, with all its seats: in a hall, or with a number of seats alone."""
    values, view_ = read_body(catalogue_requests.SHOW_REQUEST), view()
    with transaction(backend().engine) as connection:
        row, hall, prices = _hall(connection, values)
        settings = _settings(values, prices)
        _reserve(connection, row, values.get("movie_id"), settings.starts_ms)
        show_id = catalogue.insert_show(
            connection,
            movie_id=values.get("movie_id"),
            name=values.get("name"),
            hall_id=hall.id,
            settings=settings,
            capacity=hall.capacity,
        )
        catalogue.allow_long_statements(connection)
        catalogue.insert_seats(connection, show_id, list(hall.seats))
        show = catalogue.get_show(connection, show_id)
        assert show is not None
        audit.done(connection, "show.create", f"show {show_id}", after=show_json(show, view_))
    _announce(show, row, hall)
    public.changed(Kind.SHOWS, Kind.HALLS)  # a number of seats alone may have made a hall
    return created(show_json(show, view_), f"/api/shows/{show_id}")


def _hall(connection: Connection, values: Mapping[str, Any]) -> tuple[HallRow, Hall, Mapping[str, int]]:
    """Return the hall of a new show, and the price of each category. Raises: InvalidRequest, HallGone."""
    if "hall_id" in values:
        row = halls.get_hall(connection, values["hall_id"])
        if row is None:
            raise InvalidRequest([{"pointer": "/hall_id", "detail": "There is no such hall."}])
    else:
        seats = values["total_seats"]
        name = "1 seat" if seats == 1 else f"{seats} seats"
        row = halls.general_hall(connection, name, general_plan(seats), seats)
    hall = Hall.from_plan(row.id, row.plan)
    prices = values.get("prices") or dict.fromkeys(sorted(hall.categories), values.get("price_cents", 0))
    check_prices(hall, prices)
    return row, hall, prices


def _reserve(connection: Connection, hall: HallRow, movie_id: int | None, starts_ms: int) -> None:
    """Check that the show starts in the future and its hall is free then. Raises: InvalidRequest, HallTaken."""
    if starts_ms <= time.time() * 1000:
        raise InvalidRequest([{"pointer": "/starts_at", "detail": "A show must start in the future."}])
    settings = backend().settings
    if settings.shows_may_overlap or hall.general:
        return
    changeover_min = settings.changeover_min
    other = halls.reserve(connection, hall.id, movie_id=movie_id, starts_ms=starts_ms, changeover_min=changeover_min)
    if other is not None:
        raise HallTaken(f"Show {other} is in this hall at that time.")


def _settings(values: Mapping[str, Any], prices: Mapping[str, int]) -> ShowSettings:
    return ShowSettings(
        sales_open_ms=values.get("sales_open_at", 0),
        sales_close_ms=values.get("sales_close_at", values["starts_at"]),
        starts_ms=values["starts_at"],
        seats_per_user=values["seats_per_user"],
        hold_ms=round(values.get("hold_s", backend().settings.hold_ttl_s) * 1000),
        hold_extension_ms=values["hold_extension_s"] * 1000,
        offer_ms=values["offer_s"] * 1000,
        waiting_list_max=values["waiting_list_max"],
        prices=prices,
    )


def _announce(show: ShowListing, row: HallRow, hall: Hall) -> None:
    """Publish a new show to Redis. If that fails, the first request for it publishes it, and then needs Postgres."""
    intake = backend().service.intake
    try:
        intake.halls.announce(show, row, hall, intake.lanes_count)
    except (RedisUnavailable, AcceptUnknown, PostgresUnavailable, OutOfMemoryError) as error:
        log.warning("show_not_published", show_id=show.id, error=str(error))
