"""Halls and their plans: readable by everybody, added by administrators. Plans never change."""

from __future__ import annotations

from flask import Response, request
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.shapes import answers, links, requests, seat_answers
from api.web import cursors
from api.web.backend import backend
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import PUBLIC, answer, created, hall_json
from core.halls import check_plan
from core.plans import BadPlan
from db.postgres import halls
from db.postgres.engine import transaction

#: Max bytes of a hall's plan. Real ones have a few kilobytes; 200,000 seats in single-seat blocks would not fit.
MAX_PLAN_BYTES = 1024 * 1024

blueprint = Blueprint("halls", __name__, url_prefix="/api/halls", description="Halls and their seating plans.")


@route(blueprint, "GET", "", query=requests.PAGE_QUERY, answers={200: answers.HALLS}, errors=(400, 503))
def list_halls() -> Response:
    """List halls by name."""
    query = read_query(requests.PAGE_QUERY)
    limit, after = query["limit"], cursors.HALLS.read(query["cursor"])
    with transaction(backend().engine) as connection:
        found = halls.list_halls(connection, after=after, limit=limit + 1)
    page = cursors.HALLS.page("halls", found, limit, hall_json, lambda hall: (hall.name, hall.id))
    return answer(page, headers=PUBLIC)


@route(
    blueprint,
    "GET",
    f"/<int(max={requests.MAX_ID}):hall_id>",
    answers={200: answers.HALL},
    errors=(404, 503),
)
def get_hall(hall_id: int) -> Response:
    """Show a hall with its plan."""
    with transaction(backend().engine) as connection:
        hall = halls.get_hall(connection, hall_id, drawn=True)
    if hall is None:
        return problem(404, "no_such_hall", "There is no such hall.")
    return answer({**hall_json(hall), "plan": hall.plan}, headers=PUBLIC)


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
        hall_id = halls.insert_hall(connection, name, plan, capacity)
        audit.done(connection, "hall.create", f"hall {hall_id}", after={"name": name, "capacity": capacity})
    return created({"id": hall_id, "name": name, "capacity": capacity, "plan": plan}, f"/api/halls/{hall_id}")
