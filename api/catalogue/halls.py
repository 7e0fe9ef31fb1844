"""Halls and their plans: readable by everybody, added by administrators. Plans never change."""

from __future__ import annotations

from flask import Response, request
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import pages, public
from api.shapes import answers, links, requests, seat_answers
from api.web.backend import backend
from api.web.catalogue_json import hall_json, view
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import created
from core.halls import check_plan
from core.plans import BadPlan
from db.kv import catalogue_pages
from db.kv.catalogue_pages import Kind
from db.postgres import halls
from db.postgres.engine import transaction
from db.postgres.halls import HallListing

#: Max bytes of a hall's plan. Real ones have a few kilobytes; 200,000 seats in single-seat blocks would not fit.
MAX_PLAN_BYTES = 1024 * 1024

ONE = f"/<int(max={requests.MAX_ID}):hall_id>"

blueprint = Blueprint("halls", __name__, url_prefix="/api/halls", description="Halls and their seating plans.")


@route(
    blueprint, "GET", "", query=requests.PAGE_QUERY, request_headers=("If-None-Match",),
    answers={200: answers.HALLS, 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(400, 503),
)  # fmt: skip
def list_halls() -> Response:
    """List halls by name."""
    query, view_ = read_query(requests.PAGE_QUERY), view()
    page = catalogue_pages.page(Kind.HALLS, ("list", *query.items(), view_))
    response = public.respond(page, lambda connection: pages.halls_page(connection, query, view_))
    assert response is not None
    return response


@route(
    blueprint, "GET", ONE, request_headers=("If-None-Match",), answers={200: answers.HALL, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)}, errors=(404, 503),
)  # fmt: skip
def get_hall(hall_id: int) -> Response:
    """Show a hall with its plan."""
    view_ = view()
    page = catalogue_pages.page(Kind.HALLS, ("hall", hall_id, view_))
    return public.respond(page, lambda connection: pages.hall_detail(connection, hall_id, view_)) or no_such_hall()


@route(
    blueprint,
    "GET",
    f"/<int(max={requests.MAX_ID}):hall_id>/layout",
    request_headers=("If-None-Match",),
    answers={200: seat_answers.LAYOUT, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)},
    errors=(404, 503),
)
def get_layout(hall_id: int) -> Response:
    """Show a hall's layout for drawing it: rows, seats, categories and aisles. It never changes."""
    reply = backend().loop.run(backend().layouts.reply(hall_id))
    reply = reply.unless_known(request.headers.get("If-None-Match"))
    return (reply.packed(request.headers.get("Accept-Encoding")) if request.method == "GET" else reply).response()


@route(
    blueprint,
    "POST",
    "",
    body=requests.HALL_REQUEST,
    answers={201: answers.HALL},
    leads={201: links.HALL},
    headers={201: ("Location",)},
    errors=(403, 503),
    secured=True,
)
@admin_required
def create_hall() -> Response:
    """Add a hall. Its plan lists the seats by row, with their categories."""
    values = read_body(requests.HALL_REQUEST, max_bytes=MAX_PLAN_BYTES)
    name, plan = values["name"], values["plan"]
    try:
        capacity = check_plan(plan).capacity
    except BadPlan as fault:
        raise fault.below("/plan") from None
    with transaction(backend().engine) as connection:
        hall_id = halls.insert_hall(connection, name, plan, capacity, values["time_zone"])
        body = hall_json(HallListing(hall_id, name, capacity, values["time_zone"], False), view().time_zone)
        audit.done(connection, "hall.create", f"hall {hall_id}", after=body)
    public.changed(Kind.HALLS)
    return created({**body, "plan": plan}, f"/api/halls/{hall_id}")


def no_such_hall() -> Response:
    """Return the answer to a request for a hall that does not exist."""
    return problem(404, "no_such_hall", "There is no such hall.")
