"""Shows: the list of upcoming ones, one show, its seat map; administrators create them.

An existing show is changed only by operations in its lane (show_changes.py), never from here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from redis.exceptions import OutOfMemoryError
from sqlalchemy import Connection

from api.access import audit
from api.access.tokens import admin_required, current_user
from api.catalogue.show_list import listings
from api.shapes import answers, links, requests, seat_answers
from api.web import compression, cursors, streams
from api.web.backend import backend
from api.web.errors import HallTaken, InvalidRequest
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import PUBLIC, answer, as_bytes, created, show_json
from core import logs
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.halls import Hall
from core.shows import ShowSettings
from db.postgres import catalogue, halls
from db.postgres.catalogue import ShowListing
from db.postgres.engine import transaction
from db.postgres.halls import HallRow

log = logs.logger(__name__)

ONE = f"/<int(max={requests.MAX_ID}):show_id>"

blueprint = Blueprint("shows", __name__, url_prefix="/api/shows", description="Shows and their seats.")


@route(blueprint, "GET", "", query=requests.SHOWS_QUERY, answers={200: answers.SHOWS}, errors=(400, 503))
def list_shows() -> Response:
    """List upcoming shows, the next one first; of one movie if `movie_id` is given."""
    query = read_query(requests.SHOWS_QUERY)
    movie_id, limit, after = query.get("movie_id"), query["limit"], cursors.SHOWS.read(query["cursor"])

    def make() -> bytes:
        with transaction(backend().engine) as connection:
            found = catalogue.list_upcoming(connection, movie_id=movie_id, after=after, limit=limit + 1)
        return as_bytes(
            cursors.SHOWS.page("shows", found, limit, show_json, lambda show: (show.settings.starts_ms, show.id))
        )

    body = listings().page((movie_id, after, limit), make)
    return compression.respond(body, "application/json", PUBLIC)


@route(blueprint, "GET", ONE, answers={200: answers.SHOW}, errors=(404, 503))
def get_show(show_id: int) -> Response:
    """Show a show's prices, sales window and number of free seats."""
    with transaction(backend().engine) as connection:
        show = catalogue.get_show(connection, show_id)
    return answer(show_json(show), headers=PUBLIC) if show else no_such_show()


@route(
    blueprint,
    "GET",
    f"{ONE}/seats",
    request_headers=("If-None-Match",),
    answers={200: answers.SEAT_MAP, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)},
    errors=(404, 503),
)
def get_seats(show_id: int) -> Response:
    """List every seat of a show, row by row. The ETag changes with the seats."""
    reply = backend().loop.run(backend().seat_maps.reply(show_id))
    reply = reply.unless_known(request.headers.get("If-None-Match"))
    return (reply.packed(request.headers.get("Accept-Encoding")) if request.method == "GET" else reply).response()


@route(
    blueprint,
    "GET",
    f"{ONE}/seats/state",
    query=requests.SEAT_STATES_QUERY,
    request_headers=("If-None-Match",),
    answers={200: seat_answers.SEAT_STATES, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)},
    errors=(404, 503),
)
def get_seat_states(show_id: int) -> Response:
    """Show the states of a show's seats, two bits each, or what has changed since a version.

    With `Accept: application/octet-stream`: four 4-byte numbers (version, seats, held, sold), and the same bits.
    """
    since = read_query(requests.SEAT_STATES_QUERY)["since"] if request.args else None
    reply = backend().loop.run(backend().seat_states.reply(show_id, since, request.headers.get("Accept")))
    reply = reply.unless_known(request.headers.get("If-None-Match"))
    return (reply.packed(request.headers.get("Accept-Encoding")) if request.method == "GET" else reply).response()


@route(
    blueprint, "GET", f"{ONE}/events", request_headers=("Last-Event-ID",), answers={200: streams.MEDIA_TYPE},
    headers={503: ("Retry-After",)}, errors=(404, 503), secured=True,
)  # fmt: skip
def get_show_events(show_id: int) -> Response:
    """Follow a show: server-sent events about its seats (`seats`) and its settings (`show`).

    The first events say how it is now, or what has changed since Last-Event-ID. Without the front the response ends
    after them; clients ask again, after the time that `retry` says.
    """
    current_user()
    last_id = request.headers.get("Last-Event-ID")
    return streams.response(backend().loop.run(backend().show_events.once(show_id, last_id)))


@route(
    blueprint,
    "POST",
    "",
    body=requests.SHOW_REQUEST,
    answers={201: answers.SHOW},
    leads={201: links.SHOW},
    headers={201: ("Location",)},
    errors=(403, 409, 503),
    secured=True,
)
@admin_required
def create_show() -> Response:
    """Put a show on sale in a hall, with all its seats."""
    values = read_body(requests.SHOW_REQUEST)
    settings = _settings(values)
    with transaction(backend().engine) as connection:
        row, hall = priced_hall(connection, values["hall_id"], values["prices"])
        _reserve(connection, hall.id, values["movie_id"], settings.starts_ms)
        show_id = catalogue.insert_show(
            connection,
            movie_id=values["movie_id"],
            hall_id=hall.id,
            settings=settings,
            capacity=hall.capacity,
        )
        catalogue.allow_long_statements(connection)
        catalogue.insert_seats(connection, show_id, list(hall.seats))
        show = catalogue.get_show(connection, show_id)
        assert show is not None
        audit.done(connection, "show.create", f"show {show_id}", after=show_json(show))
    _announce(show, row, hall)
    listings().drop()
    return created(show_json(show), f"/api/shows/{show_id}")


def _reserve(connection: Connection, hall_id: int, movie_id: int, starts_ms: int) -> None:
    """Check that the show starts in the future and its hall is free then. Raises: InvalidRequest, HallTaken."""
    if starts_ms <= time.time() * 1000:
        raise InvalidRequest([{"pointer": "/starts_at", "detail": "A show must start in the future."}])
    settings = backend().settings
    if settings.shows_may_overlap:
        return
    changeover_min = settings.changeover_min
    other = halls.reserve(connection, hall_id, movie_id=movie_id, starts_ms=starts_ms, changeover_min=changeover_min)
    if other is not None:
        raise HallTaken(f"Show {other} is in this hall at that time.")


def _settings(values: Mapping[str, Any]) -> ShowSettings:
    return ShowSettings(
        sales_open_ms=values.get("sales_open_at", 0),
        sales_close_ms=values.get("sales_close_at", values["starts_at"]),
        starts_ms=values["starts_at"],
        seats_per_user=values["seats_per_user"],
        hold_ms=round(values.get("hold_s", backend().settings.hold_ttl_s) * 1000),
        hold_extension_ms=values["hold_extension_s"] * 1000,
        offer_ms=values["offer_s"] * 1000,
        waiting_list_max=values["waiting_list_max"],
        prices=values["prices"],
    )


def _announce(show: ShowListing, row: HallRow, hall: Hall) -> None:
    """Publish a new show to Redis. If that fails, the first request for it publishes it, and then needs Postgres."""
    intake = backend().service.intake
    try:
        intake.halls.announce(show, row, hall, intake.lanes_count)
    except (RedisUnavailable, AcceptUnknown, PostgresUnavailable, OutOfMemoryError) as error:
        log.warning("show_not_published", show_id=show.id, error=str(error))


def priced_hall(connection: Connection, hall_id: int, prices: Mapping[str, int]) -> tuple[HallRow, Hall]:
    """Return the hall if each of its categories has a price, and no other has. Raises: InvalidRequest."""
    row = halls.get_hall(connection, hall_id)
    if row is None:
        raise InvalidRequest([{"pointer": "/hall_id", "detail": "There is no such hall."}])
    hall = Hall.from_plan(hall_id, row.plan)
    faults = [
        *((name, "This category of the hall has no price.") for name in sorted(hall.categories - set(prices))),
        *((name, "The hall has no such category.") for name in sorted(set(prices) - hall.categories)),
    ]
    if faults:
        raise InvalidRequest([{"pointer": f"/prices/{name}", "detail": detail} for name, detail in faults])
    return row, hall


def no_such_show() -> Response:
    """Return the answer to a request for a show that does not exist."""
    return problem(404, "no_such_show", "There is no such show.")
