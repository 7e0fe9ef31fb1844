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

CONSOLE = (
    get("lanes", "/api/admin/lanes", admin_answers.LANES, says={"workers": 0}),
    get("lanes, a time", "/api/admin/lanes?within_s=60", admin_answers.LANES),
    refused("lanes, no time", "/api/admin/lanes?within_s=0", 422, "invalid_request", faults=frozenset({"within_s"})),
    refused("lanes, a buyer", "/api/admin/lanes", 403, "not_allowed", who="token"),
    get("workers", "/api/admin/workers", admin_answers.WORKERS, says={"workers": []}),
    get("stores", "/api/admin/stores", admin_answers.STORES),
    get("samples", "/api/admin/samples", admin_answers.SAMPLES, says={"samples": []}),
    get("samples, since", "/api/admin/samples?since=2020-01-01T00:00:00Z&limit=3600", admin_answers.SAMPLES),
    refused("samples, too many", "/api/admin/samples?limit=3601", 422, "invalid_request",
            faults=frozenset({"limit"})),
    get("figures of a show", "/api/admin/shows/{show}", admin_answers.SHOW_FIGURES, scenes.show,
        says={"undecided": 0, "refused": {}, "sold_per_min": None}),
    refused("figures of no show", "/api/admin/shows/2147483647", 404, "no_such_show"),
    refused("figures, a buyer", "/api/admin/shows/1", 403, "not_allowed", who="token"),
)  # fmt: skip

CASES = [*AUDIT, *CONSOLE]
