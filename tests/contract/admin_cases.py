"""Cases of administration: the audit log, and what an operator's console shows."""

from __future__ import annotations

from api.shapes import admin_answers, answers
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

SEAT, ONE_USER = "/api/admin/shows/{show}/seat-history", "/api/admin/users/{user}"
HISTORIES = (
    get("a booking", "/api/admin/bookings/{booking}", admin_answers.BOOKING_HISTORY, scenes.confirmed),
    get("a queued booking", "/api/admin/bookings/{booking}", admin_answers.BOOKING_HISTORY, scenes.queued,
        says={"decisions": []}),
    get("a booking by its reference", "/api/admin/bookings?reference={reference}", admin_answers.BOOKING_HISTORY,
        scenes.held),
    refused("no booking", "/api/admin/bookings/{booking}", 404, "no_such_booking"),
    refused("a booking, a buyer", "/api/admin/bookings/{booking}", 403, "not_allowed", who="token"),
    refused("a reference that is none", "/api/admin/bookings?reference=!", 404, "no_such_booking"),
    refused("no reference", "/api/admin/bookings", 422, "invalid_request", faults=frozenset({"reference"})),
    get("a seat", f"{SEAT}?label=A1", admin_answers.SEAT_HISTORY, scenes.cancelled, says={"label": "A1"}),
    refused("no seat", f"{SEAT}?label=Z9", 404, "no_such_seat", scene=scenes.show),
)  # fmt: skip
USERS = (
    get("users", "/api/admin/users?limit=1", admin_answers.USERS, scenes.user, says={"limit": 1}),
    get("a user by address", "/api/admin/users?email={email}", admin_answers.USERS, scenes.user),
    get("administrators", "/api/admin/users?role=admin&limit=1", admin_answers.USERS),
    refused("users, no role", "/api/admin/users?role=x", 422, "invalid_request", faults=frozenset({"role"})),
    refused("users, a cursor that is none", "/api/admin/users?cursor=x", 400, "invalid_cursor"),
    get("a user", ONE_USER, admin_answers.USER_DETAIL, scenes.user),
    refused("no user", "/api/admin/users/00000000-0000-4000-8000-000000000000", 404, "no_such_user"),
    get("a user's bookings", f"{ONE_USER}/bookings", answers.OWN_BOOKINGS, scenes.user, says={"bookings": []}),
    get("box office", ONE_USER, answers.USER, scenes.user, method="PATCH", body={"role": "box_office"},
        says={"role": "box_office"}),
    refused("an administrator by HTTP", ONE_USER, 422, "invalid_request", scene=scenes.user, method="PATCH",
            body={"role": "admin"}, faults=frozenset({"/role"})),
)  # fmt: skip

ONE_PARKED = "/api/admin/parked/{parked}"
PARKED = (
    get("parked operations", "/api/admin/parked?limit=1", admin_answers.PARKED_LIST, scenes.parked,
        says={"limit": 1}),
    get("a parked operation", ONE_PARKED, admin_answers.PARKED, scenes.parked,
        says={"id": "{parked}", "retriable": True, "kind": "BOOK"}),
    refused("no parked operation", "/api/admin/parked/0-a-1-1", 404, "no_such_parked_operation"),
    get("retry", f"{ONE_PARKED}/retry", admin_answers.PARKED, scenes.parked, method="POST", status=202,
        says={"resolution": "RETRIED"}),
    get("discard", f"{ONE_PARKED}/discard", admin_answers.PARKED, scenes.parked, method="POST",
        says={"resolution": "DISCARDED", "retriable": False}),
)  # fmt: skip

CACHES = (
    get("clear the caches", "/api/admin/caches", None, method="DELETE", status=204,
        has={"Cache-Control": "no-store"}),
    refused("clear the caches, a buyer", "/api/admin/caches", 403, "not_allowed", who="token", method="DELETE"),
)  # fmt: skip

COUNT = "/api/admin/workers/count"
WORKER_COUNT = (
    get("worker count", COUNT, admin_answers.WORKER_COUNT, says={"changeable": True, "most": 8, "running": 0}),
    get("set the worker count", COUNT, admin_answers.WORKER_COUNT, method="PUT", body={"count": 3},
        says={"wanted": 3, "changeable": True}),
    refused("set the worker count, too many", COUNT, 409, "too_many_workers", method="PUT", body={"count": 64}),
    refused("set the worker count, below none", COUNT, 422, "invalid_request", method="PUT", body={"count": -1},
            faults=frozenset({"/count"})),
    refused("set the worker count, a text", COUNT, 422, "invalid_request", method="PUT", body={"count": "3"},
            faults=frozenset({"/count"})),
    refused("set the worker count, a buyer", COUNT, 403, "not_allowed", who="token", method="PUT",
            body={"count": 3}),
    refused("worker count, a buyer", COUNT, 403, "not_allowed", who="token"),
)  # fmt: skip

CASES = [*WORKER_COUNT, *CACHES, *AUDIT, *CONSOLE, *HISTORIES, *USERS, *PARKED]
