"""The number of workers, where `onsale up` runs them: shown, and set as by `onsale scale`."""

from __future__ import annotations

from contextlib import suppress

from flask import Response
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required, console_required
from api.admin import redis_reads
from api.admin.supervisor import (
    NotSupervised,
    ScalingRefused,
    SupervisorUnavailable,
    WorkersWanted,
    want_workers,
    workers_wanted,
)
from api.shapes import admin_answers, admin_requests
from api.web.backend import backend
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body
from api.web.serializers import answer
from db.kv import workers_alive
from db.postgres.audit_log import ActOutcome

PATH = "/workers/count"
ACTION, SUBJECT = "workers.scale", "workers"

blueprint = Blueprint("worker_count", __name__, url_prefix="/api/admin", description="The number of workers.")


@route(blueprint, "GET", PATH, answers={200: admin_answers.WORKER_COUNT}, errors=(403, 503), secured=True)
@console_required
def show_worker_count() -> Response:
    """Show how many workers there are and should be, and whether the number can be set here."""
    found = None
    with suppress(NotSupervised, SupervisorUnavailable):
        found = workers_wanted(backend().settings.supervisor_socket)
    return _answer(found)


@route(
    blueprint, "PUT", PATH, body=admin_requests.WORKER_COUNT, answers={200: admin_answers.WORKER_COUNT},
    errors=(403, 409, 503), secured=True,
)  # fmt: skip
@admin_required
def set_worker_count() -> Response:
    """Set how many workers run: 409 where no supervisor of ours runs them. Surplus ones finish their batch first.

    The answer does not wait for them: `running` follows. With 0, requests are accepted and nothing is decided.
    Repeat: no change. After 503 the number may have changed: read it, or repeat.
    """
    count, path = read_body(admin_requests.WORKER_COUNT)["count"], backend().settings.supervisor_socket
    try:
        before = workers_wanted(path)
        if count > before.most:
            detail = f"There may be at most {before.most} workers: for more, Postgres lacks connections."
            return problem(409, "too_many_workers", detail, most=before.most)
        return _answer(before if count == before.wanted else _set(path, before, count))
    except NotSupervised as error:
        return problem(409, error.code, str(error))
    except ScalingRefused as error:
        return problem(409, error.code, str(error))
    except SupervisorUnavailable as error:
        return problem(503, error.code, str(error), {"Retry-After": "1"})


def _set(path: str, before: WorkersWanted, count: int) -> WorkersWanted:
    """Set the number, with a row of the audit log before and one with the outcome."""
    intent_id = audit.intended(ACTION, SUBJECT, {"count": before.wanted}, {"count": count})
    outcome = ActOutcome.UNKNOWN
    try:
        after = want_workers(path, count)
        outcome = ActOutcome.ACCEPTED
    except ScalingRefused:
        outcome = ActOutcome.REFUSED
        raise
    finally:
        audit.answered(intent_id, ACTION, SUBJECT, outcome, {"count": count})
    return after


def _answer(found: WorkersWanted | None) -> Response:
    running = workers_alive.count(redis_reads.read(workers_alive.count_commands()))
    return answer(
        {
            "wanted": found.wanted if found else None,
            "running": running,
            "changeable": found is not None,
            "most": found.most if found else None,
        }
    )
