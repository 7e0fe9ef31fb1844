"""Lanes with a forecast, workers, and the health of the stores. Only Redis is read: this works without Postgres."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import console_required
from api.admin import redis_reads
from api.shapes import admin_answers, admin_requests
from api.web.backend import backend
from api.web.openapi import route
from api.web.request_reading import read_query
from api.web.serializers import answer
from core.errors import RedisUnavailable
from core.forecast import LaneLoad, drained_in_s, forecast
from core.queue_position import DELAYED_MS
from core.times import iso
from db.kv import lanes, workers_alive
from db.kv.lanes import LaneState
from db.kv.workers_alive import WorkerState

blueprint = Blueprint("lanes", __name__, url_prefix="/api/admin", description="Lanes, workers and stores.")


@route(
    blueprint, "GET", "/lanes", query=admin_requests.LANES_QUERY, answers={200: admin_answers.LANES},
    errors=(403, 503), secured=True,
)  # fmt: skip
@console_required
def list_lanes() -> Response:
    """Show every lane, and how many workers would drain all of them within `within_s` seconds."""
    within_s = read_query(admin_requests.LANES_QUERY)["within_s"]
    commands = lanes.overview_commands(backend().service.intake.lanes_count)
    replies = redis_reads.read([*commands, *workers_alive.list_commands()])
    states = lanes.overview(replies[: len(commands)])
    workers = workers_alive.list_workers(replies[len(commands) :])
    holders = {turn["token"]: worker.id for worker in workers for turn in worker.doing.get("lanes", ())}
    found = forecast([_load(state) for state in states], within_s)
    return answer(
        {
            "lanes": [_lane_json(state, holders.get(state.drained_by or "")) for state in states],
            "workers": len(workers),
            "forecast": {
                "within_s": within_s,
                "depth": found.depth,
                "drained_in_s": found.drained_in_s,
                "writer_rate": found.writer_rate,
                "workers_needed": found.workers_needed,
                "too_deep": list(found.too_deep),
            },
        }
    )


@route(blueprint, "GET", "/workers", answers={200: admin_answers.WORKERS}, errors=(403, 503), secured=True)
@console_required
def list_workers() -> Response:
    """Show the workers that are alive, and what each does, as of its last heartbeat."""
    found = workers_alive.list_workers(redis_reads.read(workers_alive.list_commands()))
    return answer({"workers": [_worker_json(worker) for worker in found]})


@route(blueprint, "GET", "/stores", answers={200: admin_answers.STORES}, errors=(403,), secured=True)
@console_required
def show_stores() -> Response:
    """Show whether this process reaches Postgres and Redis, how fast they answer, and how full Redis is."""
    return answer({"postgres": _postgres(), "redis": _redis()})


def _load(state: LaneState) -> LaneLoad:
    """Return a lane's load. A lane that stands still has no rate: its last one says nothing about now."""
    return LaneLoad(state.lane, state.depth, state.rate if state.meter.quiet_ms < DELAYED_MS else 0.0)


def _lane_json(state: LaneState, worker: str | None) -> dict[str, Any]:
    return {
        "lane": state.lane,
        "depth": state.depth,
        "oldest_age_ms": state.oldest_age_ms,
        "accepted": state.meter.ticket,
        "decided": state.meter.served,
        "rate": state.rate,
        "quiet_ms": state.meter.quiet_ms,
        "drained_by": state.drained_by,
        "worker": worker,
        "drained_in_s": drained_in_s(_load(state)),
    }


def _worker_json(worker: WorkerState) -> dict[str, Any]:
    doing = worker.doing
    turns: Sequence[dict[str, Any]] = doing.get("lanes", ())
    return {
        "id": worker.id,
        "host": doing.get("host"),
        "pid": doing.get("pid"),
        "since": iso(doing.get("since_ms")),
        "heartbeat_age_ms": worker.beat_age_ms,
        "idle": not turns,
        "lanes": [
            {"lane": turn["lane"], "since": iso(turn["since_ms"]), "batch": turn["batch"], "decided": turn["decided"]}
            for turn in turns
        ],
    }


def _postgres() -> dict[str, Any]:
    started = time.perf_counter()
    answers = backend().loop.run(backend().probe.answers())
    return {"status": "ok" if answers else "unavailable", "answers_in_ms": _ms_since(started) if answers else None}


def _redis() -> dict[str, Any]:
    started = time.perf_counter()
    try:
        [info] = redis_reads.read([("INFO", "memory")])
    except RedisUnavailable:
        return {"status": "unavailable", "answers_in_ms": None}
    memory = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return {
        "status": "ok",
        "answers_in_ms": _ms_since(started),
        "used_bytes": int(memory["used_memory"]),
        "max_bytes": int(memory["maxmemory"]),
    }


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
