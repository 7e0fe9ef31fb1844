"""Clearing the catalogue's cache: after a change that went past the api, such as a restored backup."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue.catalogue_cache import catalogue_cache
from api.catalogue.show_list import listings
from api.web.openapi import route
from core.errors import RedisUnavailable
from db.kv.catalogue_pages import Kind
from db.postgres.audit_log import ActOutcome

blueprint = Blueprint("caches", __name__, url_prefix="/api/admin", description="The catalogue's cache.")


@route(blueprint, "DELETE", "/caches", answers={204: None}, errors=(403, 503), secured=True)
@admin_required
def clear_caches() -> Response:
    """Clear the catalogue's cache: afterwards lists and details are read from Postgres.

    Api processes keep pages of shows for up to a second more. Repeat: safe.
    """
    kinds = [kind.value for kind in Kind]
    intent_id = audit.intended("caches.clear", "caches")
    listings().drop()
    cleared = catalogue_cache().changed(*Kind)
    outcome = ActOutcome.ACCEPTED if cleared else ActOutcome.UNKNOWN
    audit.answered(intent_id, "caches.clear", "caches", outcome, {"kinds": kinds})
    if not cleared:
        raise RedisUnavailable
    return Response(status=204)
