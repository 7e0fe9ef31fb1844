"""Halls from files: a seating plan in pretix's format (JSON), or a line per seat (CSV). docs/halls.md has both."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.http import parse_options_header

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import public
from api.catalogue.halls import MAX_PLAN_BYTES
from api.shapes import links, plans
from api.web.backend import backend
from api.web.errors import InvalidRequest
from api.web.openapi import route
from api.web.reply import JSON
from api.web.request_reading import body_of, read_query
from api.web.serializers import answer, created
from core.csv_plans import read_csv
from core.hall_previews import counted
from core.imported_halls import ImportedHall
from core.pretix_plans import read_pretix
from db.kv.catalogue_pages import Kind
from db.postgres import halls
from db.postgres.engine import transaction

CSV = "text/csv"

blueprint = Blueprint("hall_import", __name__, url_prefix="/api/halls", description="Halls from files.")


@route(
    blueprint,
    "POST",
    "/import",
    media=(JSON, CSV),
    query=plans.IMPORT_QUERY,
    answers={200: plans.HALL_PREVIEW, 201: plans.IMPORTED_HALL},
    leads={201: links.HALL},
    headers={201: ("Location",)},
    errors=(403, 503),
    secured=True,
)
@admin_required
def import_hall() -> Response:
    """Add a hall from a file: a seating plan of pretix as JSON, or a line per seat as CSV."""
    query = read_query(plans.IMPORT_QUERY)
    imported = _read()
    name = query.get("name") or imported.name
    if not name:
        raise InvalidRequest([{"parameter": "name", "detail": "The file does not name its hall."}])
    known: dict[str, Any] = {"name": name, "capacity": imported.hall.capacity}
    more: dict[str, Any] = {"notes": imported.notes, "plan": imported.plan}
    if query["preview"] == "true":
        return answer({**known, **counted(imported.hall).to_json(), **more})
    time_zone = query["time_zone"]
    with transaction(backend().engine) as connection:
        hall_id = halls.insert_hall(connection, name, imported.plan, imported.hall.capacity, time_zone)
        after = {**known, "imported": True, **({"time_zone": time_zone} if time_zone else {})}
        audit.done(connection, "hall.create", f"hall {hall_id}", after=after)
    public.changed(Kind.HALLS)
    known["time_zone"] = time_zone or backend().settings.time_zone
    return created({"id": hall_id, **known, **more}, f"/api/halls/{hall_id}")


def _read() -> ImportedHall:
    """Read the request's body. Raises: BadPlan, and what `body_of` raises."""
    media_type, _ = parse_options_header(request.headers.get("Content-Type", ""))
    if media_type.lower() == CSV:
        return read_csv(body_of(request, max_bytes=MAX_PLAN_BYTES, media=CSV))
    return read_pretix(body_of(request, max_bytes=MAX_PLAN_BYTES))
