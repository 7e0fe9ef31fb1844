"""Deleting halls and shows that nothing hangs on. All others are refused, with what hangs on them."""

from __future__ import annotations

from contextlib import suppress

from flask import Response
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import public
from api.catalogue.halls import ONE as ONE_HALL
from api.catalogue.halls import no_such_hall
from api.catalogue.shows import ONE as ONE_SHOW
from api.catalogue.shows import no_such_show
from api.web.backend import backend
from api.web.catalogue_json import hall_json, show_json, view
from api.web.openapi import route
from core.errors import OnsaleError
from db.kv.catalogue_pages import Kind
from db.postgres import catalogue, halls
from db.postgres.engine import transaction

blueprint = Blueprint("deletions", __name__, url_prefix="/api", description="Deleting what nothing hangs on.")


@route(blueprint, "DELETE", f"/halls{ONE_HALL}", answers={204: None}, errors=(403, 404, 409, 503), secured=True)
@admin_required
def delete_hall(hall_id: int) -> Response:
    """Delete a hall that has no shows."""
    with transaction(backend().engine) as connection:
        before = halls.get_hall(connection, hall_id)
        deleted = halls.delete_hall(connection, hall_id)
        if before and deleted:
            audit.done(connection, "hall.delete", f"hall {hall_id}", before=hall_json(before, view().time_zone))
    if not deleted:
        return no_such_hall()
    with suppress(OnsaleError):  # then an unused plan remains in Redis
        backend().service.intake.forget_plan(hall_id)
    public.changed(Kind.HALLS)
    return Response(status=204)


@route(blueprint, "DELETE", f"/admin/shows{ONE_SHOW}", answers={204: None}, errors=(403, 404, 409, 503), secured=True)
@admin_required
def delete_show(show_id: int) -> Response:
    """Delete a show without bookings and other decisions. Requests that wait in its lane will fail: NO_SUCH_SHOW."""
    with transaction(backend().engine) as connection:
        before = catalogue.get_show(connection, show_id)
        deleted = catalogue.delete_unused_show(connection, show_id)
        if before and deleted:
            audit.done(connection, "show.delete", f"show {show_id}", before=show_json(before, view()))
    if not deleted:
        return no_such_show()
    with suppress(OnsaleError):  # then its card remains, and the lane fails what is booked by it
        backend().service.intake.forget_show(show_id)
    public.changed(Kind.SHOWS)
    return Response(status=204)
