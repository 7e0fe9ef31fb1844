"""Whether the process lives, whether it can accept bookings, and what it has counted.

Readiness needs Redis alone: with Postgres away bookings are still accepted, and decided when it is back.
Probes are asked every few seconds with short patience, so nothing here may wait long.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import cast

from flask import Response, current_app
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Engine

from api import answers, metrics
from api.describe import route
from api.rendering import answer
from api.stores import stores
from core.errors import PostgresAway, RedisAway
from db.engine import transaction

#: Seconds. A probe of Kubernetes gives up after one by default.
POSTGRES_PATIENCE_S = 0.3

blueprint = Blueprint("health", __name__, description="Liveness, readiness, metrics.")


class PostgresProbe:
    """Asks Postgres in a thread of its own: an attempt to connect may take seconds, the answer may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking: Future[None] | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def answers(self) -> bool:
        """Whether Postgres answered just now."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="postgres-probe")
            if self._asking is None or self._asking.done():
                self._asking = self._executor.submit(self._ask)
            asking = self._asking
        try:
            asking.result(timeout=POSTGRES_PATIENCE_S)
        except (PostgresAway, Late):
            return False
        return True

    def close(self) -> None:
        """Wait for an attempt that is under way; it has a connection of the engine. Repeat: nothing happens."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    def _ask(self) -> None:
        with transaction(self._engine):
            """Taking a connection is enough: the pool tries it out before it hands it over."""


@route(blueprint, "GET", "/api/health", answers={200: answers.HEALTH})
def health() -> Response:
    """For clients that look whether there is a server at all."""
    return answer({"success": True, "message": "Server is running", "status": "ok"})


@route(blueprint, "GET", "/healthz", answers={200: answers.LIVENESS})
def healthz() -> Response:
    """Liveness: the process answers. Depends on nothing, or one outage would become two."""
    return answer({"status": "ok"})


@route(blueprint, "GET", "/readyz", answers={200: answers.READINESS, 503: answers.READINESS})
def readyz() -> Response:
    """Readiness: bookings can be accepted. Without a worker they are, and wait: the answer says so."""
    probe = cast(PostgresProbe, current_app.extensions["onsale-postgres-probe"])
    postgres = "ok" if probe.answers() else "away"
    try:
        workers = stores().door.workers_alive()
    except RedisAway:
        return answer({"status": "not ready", "redis": "away", "postgres": postgres}, 503, {"Retry-After": "1"})
    return answer({"status": "ready", "redis": "ok", "postgres": postgres, "workers": workers})


@route(blueprint, "GET", "/metrics", answers={200: "text/plain"})
def prometheus() -> Response:
    """Metrics in Prometheus's text format."""
    try:
        door = stores().door
        lanes, workers = door.lanes(), door.workers_alive()
    except (RedisAway, PostgresAway):
        lanes, workers = None, 0
    late_s = stores().settings.pending_alarm_s
    return Response(metrics.exposition(lanes, workers, late_s), content_type=CONTENT_TYPE_LATEST)
