"""Cases of administration: the audit log, and what an operator's console shows."""

from __future__ import annotations

from api.shapes import admin_answers
from tests.contract import scenes
from tests.contract.case import JSON, Case

HAS = {"Content-Type": JSON, "Cache-Control": "no-store"}


def get(name, path, shape, scene=scenes.nothing, **more):
    """A read of an administrator."""
    usual = {"scene": scene, "status": 200, "shape": shape, "has": HAS, "who": "admin"}
    return Case(**{"name": f"administration: {name}", "method": "GET", "path": path} | usual | more)


def refused(name, path, status, code, **more):
    return get(name, path, None, **{"status": status, "code": code, "has": {}} | more)


AUDIT = (
    get("audit log", "/api/admin/audit", admin_answers.AUDIT, scenes.changing, says={"limit": 20}),
    get("audit log, filtered", "/api/admin/audit?action=show.change&limit=1&since=2020-01-01T00:00:00Z",
        admin_answers.AUDIT, scenes.changing, says={"limit": 1}),
    refused("audit log, an actor that is none", "/api/admin/audit?actor_id=x", 422, "invalid_request",
            faults=frozenset({"actor_id"})),
    refused("audit log, a cursor that is none", "/api/admin/audit?cursor=x", 400, "invalid_cursor"),
    refused("audit log, a buyer", "/api/admin/audit", 403, "not_allowed", who="token"),
)  # fmt: skip

CASES = [*AUDIT]
