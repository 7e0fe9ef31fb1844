"""The audit log over HTTP: who did what, when, and what was there before and after."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import admin_required
from api.shapes import admin_answers, admin_requests
from api.web import cursors
from api.web.backend import backend
from api.web.openapi import route
from api.web.request_reading import read_query
from api.web.serializers import answer
from core.times import iso, to_ms
from db.postgres import audit_log
from db.postgres.audit_log import AuditFilter, AuditRow
from db.postgres.engine import transaction

blueprint = Blueprint("audit", __name__, url_prefix="/api/admin/audit", description="What administrators did.")


@route(
    blueprint, "GET", "", query=admin_requests.AUDIT_QUERY, answers={200: admin_answers.AUDIT},
    errors=(400, 403, 503), secured=True,
)  # fmt: skip
@admin_required
def list_acts() -> Response:
    """List the acts of administrators, newest first, filtered by actor, action, subject and time."""
    query = read_query(admin_requests.AUDIT_QUERY)
    wanted = AuditFilter(
        actor_id=query.get("actor_id"),
        action=query.get("action"),
        subject=query.get("subject"),
        since_ms=query.get("since"),
        until_ms=query.get("until"),
    )
    position, limit = cursors.AUDIT.read(query["cursor"]), query["limit"]
    with transaction(backend().engine) as connection:
        after = position[0] if position else None
        found = audit_log.list_acts(connection, wanted, after=after, limit=limit + 1)
    return answer(cursors.AUDIT.page("acts", found, limit, _act_json, lambda row: (row.id,)))


def _act_json(row: AuditRow) -> dict[str, Any]:
    act = row.act
    return {
        "id": row.id,
        "at": iso(to_ms(row.at)),
        "actor_id": str(act.actor_id) if act.actor_id else None,
        "actor_role": act.actor_role,
        "action": act.action,
        "subject": act.subject,
        "outcome": act.outcome.value,
        "intent_id": act.intent_id,
        "before": act.before,
        "after": act.after,
        "request_id": act.request_id,
    }
