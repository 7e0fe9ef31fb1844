"""Liveness, readiness and metrics.

Readiness needs Redis alone: while Postgres is unavailable bookings are still accepted, and decided when it is back.
Probes are called every few seconds with a short timeout, so nothing here may block for long.
"""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST

from api.shapes import answers
from api.web import metrics
from api.web.backend import Backend, backend
from api.web.openapi import route
from api.web.reply import Reply
from api.web.serializers import answer, as_bytes
from core.errors import PostgresUnavailable, RedisUnavailable

blueprint = Blueprint("health", __name__, description="Liveness, readiness, metrics.")


@route(blueprint, "GET", "/api/health", answers={200: answers.HEALTH})
def health() -> Response:
    """Say that the server is running, for clients that check."""
    return answer({"success": True, "message": "Server is running", "status": "ok"})


@route(blueprint, "GET", "/healthz", answers={200: answers.LIVENESS})
def healthz() -> Response:
    """Liveness: the process answers. Depends on no other server, so that one outage does not become two."""
    return liveness().response()


@route(blueprint, "GET", "/readyz", answers={200: answers.READINESS, 503: answers.READINESS})
def readyz() -> Response:
    """Readiness: bookings can be accepted. Without workers they wait undecided; `workers` is 0 then."""
    return backend().loop.run(readiness(backend())).response()


def liveness() -> Reply:
    """Return the answer of /healthz."""
    return Reply(200, as_bytes({"status": "ok"}))


async def readiness(backend: Backend) -> Reply:
    """Return the answer of /readyz: 503 also while the process is leaving, so balancers stop sending requests."""
    postgres = "ok" if await backend.probe.answers() else "unavailable"
    try:
        workers = await backend.service.check_redis()
    except RedisUnavailable:
        body = {"status": "not ready", "redis": "unavailable", "postgres": postgres}
        return Reply(503, as_bytes(body), [("Retry-After", "1")])
    leaving = backend.service.leaving
    status = "leaving" if leaving else "ready"
    answer_ = {"status": status, "redis": "ok", "postgres": postgres, "workers": workers}
    return Reply(503 if leaving else 200, as_bytes(answer_))


@route(blueprint, "GET", "/metrics", answers={200: "text/plain"})
def prometheus() -> Response:
    """Return metrics in Prometheus's text format."""
    try:
        service = backend().service
        lanes, workers = service.intake.lanes(), backend().loop.run(service.check_redis())
    except (RedisUnavailable, PostgresUnavailable):
        lanes, workers = None, 0
    late_s = backend().settings.pending_alarm_s
    return Response(metrics.exposition(lanes, workers, late_s), content_type=CONTENT_TYPE_LATEST)
