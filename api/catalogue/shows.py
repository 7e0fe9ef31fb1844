"""Shows: the list of upcoming ones, one show, its seat map. new_shows.py creates them, deletions.py deletes them.

An existing show is changed only by operations in its lane (show_changes.py), never from here.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from api.access.tokens import current_user
from api.catalogue import pages, public
from api.shapes import answers, catalogue_requests, requests, seat_answers
from api.web import streams
from api.web.backend import backend
from api.web.catalogue_json import view
from api.web.errors import InvalidRequest
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_query
from core.halls import Hall
from db.postgres import halls
from db.postgres.halls import HallRow

ONE = f"/<int(max={requests.MAX_ID}):show_id>"

blueprint = Blueprint("shows", __name__, url_prefix="/api/shows", description="Shows and their seats.")


@route(
    blueprint, "GET", "", query=catalogue_requests.SHOWS_QUERY, request_headers=("If-None-Match",),
    answers={200: answers.SHOWS, 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(400, 503),
)  # fmt: skip
def list_shows() -> Response:
    """List upcoming shows, the next one first: of a movie, on a day, by text or genre, with free seats."""
    query, view_ = read_query(catalogue_requests.SHOWS_QUERY), view()
    key = (*query.items(), view_)
    return public.listed(key, lambda connection: pages.shows_page(connection, query, view_))


@route(
    blueprint, "GET", "/upcoming", query=catalogue_requests.SHOWS_QUERY, request_headers=("If-None-Match",),
    answers={200: answers.SHOWS, 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(400, 503),
)  # fmt: skip
def list_upcoming_shows() -> Response:
    """List upcoming shows: the same list at another address."""
    return list_shows()


@route(
    blueprint, "GET", ONE, request_headers=("If-None-Match",), answers={200: answers.SHOW, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)}, errors=(404, 503),
)  # fmt: skip
def get_show(show_id: int) -> Response:
    """Show a show's prices, sales window and number of free seats."""
    view_ = view()
    page = public.page_of_show(show_id, view_)
    return public.respond(page, lambda connection: pages.show_detail(connection, show_id, view_)) or no_such_show()


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


def priced_hall(connection: Connection, hall_id: int, prices: Mapping[str, int]) -> tuple[HallRow, Hall]:
    """Return the hall if each of its categories has a price, and no other has. Raises: InvalidRequest."""
    row = halls.get_hall(connection, hall_id)
    if row is None:
        raise InvalidRequest([{"pointer": "/hall_id", "detail": "There is no such hall."}])
    hall = Hall.from_plan(hall_id, row.plan)
    check_prices(hall, prices)
    return row, hall


def check_prices(hall: Hall, prices: Mapping[str, int]) -> None:
    """Check that each category of the hall has a price, and no other has. Raises: InvalidRequest."""
    faults = [
        *((name, "This category of the hall has no price.") for name in sorted(hall.categories - set(prices))),
        *((name, "The hall has no such category.") for name in sorted(set(prices) - hall.categories)),
    ]
    if faults:
        raise InvalidRequest([{"pointer": f"/prices/{name}", "detail": detail} for name, detail in faults])


def no_such_show() -> Response:
    """Return the answer to a request for a show that does not exist."""
    return problem(404, "no_such_show", "There is no such show.")
