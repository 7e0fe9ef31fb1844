"""Probes and metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from api import answers, health, metrics
from api.app import create_app
from api.health import PostgresProbe
from api.stores import open_stores
from core.settings import Settings
from tests.factories import StandInDoor, offline_settings


def with_door(app: Flask, door: StandInDoor) -> FlaskClient:
    """A client of the application with a stand-in for its door."""
    app.extensions["onsale"] = replace(app.extensions["onsale"], door=door)
    return app.test_client()


def without_servers(door: StandInDoor) -> FlaskClient:
    """A client of an application whose Postgres is away."""
    settings = offline_settings()
    return with_door(create_app(settings, open_stores(settings)), door)


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_server_says_that_it_runs() -> None:
    response = without_servers(StandInDoor(away=True)).get("/api/health")

    answers.HEALTH.load(response.get_json())
    assert response.get_json() == {"success": True, "message": "Server is running", "status": "ok"}


def test_the_process_is_alive_while_both_servers_are_away() -> None:
    assert without_servers(StandInDoor(away=True)).get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_with_both_servers(app: Flask) -> None:
    response = with_door(app, StandInDoor()).get("/readyz")

    answers.READINESS.load(response.get_json())
    assert response.status_code == 200
    assert response.get_json() == {"status": "ready", "redis": "ok", "postgres": "ok", "workers": 2}


def test_it_is_ready_without_postgres() -> None:
    response = without_servers(StandInDoor()).get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {"status": "ready", "redis": "ok", "postgres": "away", "workers": 2}


def test_it_is_not_ready_without_redis(app: Flask) -> None:
    response = with_door(app, StandInDoor(away=True)).get("/readyz")

    answers.READINESS.load(response.get_json())
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.get_json() == {"status": "not ready", "redis": "away", "postgres": "ok"}


def test_a_postgres_that_does_not_answer_delays_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Semaphore(0)
    answered = threading.Event()

    @contextmanager
    def stuck(_engine: object) -> Iterator[None]:
        asked.release()
        assert answered.wait(30)
        yield

    monkeypatch.setattr(health, "transaction", stuck)
    monkeypatch.setattr(health, "POSTGRES_PATIENCE_S", 0.01)
    probe = PostgresProbe(open_stores(settings).engine)

    started = time.monotonic()
    assert [probe.answers() for _ in range(3)] == [False, False, False]
    assert time.monotonic() - started < 5
    answered.set()

    assert asked.acquire(timeout=5)
    assert not asked.acquire(blocking=False)


def test_metrics_tell_of_requests_and_lanes(app: Flask) -> None:
    client = with_door(app, StandInDoor())
    before = samples(client.get("/metrics").text)
    metrics.ACCEPTS.labels("BOOK").inc()
    metrics.REFUSALS.labels("sold_out").inc()
    client.get("/api/shows/4711")
    response = client.get("/metrics")
    after = samples(response.text)

    def grown(name: str, labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    route = "GET,/api/shows/{show_id},4xx"
    assert response.content_type.startswith("text/plain")
    assert grown("onsale_accepts_total", "BOOK") == 1
    assert grown("onsale_refusals_total", "sold_out") == 1
    assert grown("onsale_http_request_seconds_count", route) == 1
    assert (after["onsale_lane_depth", "0"], after["onsale_lane_depth", "1"]) == (3, 0)
    assert after["onsale_lane_oldest_age_seconds", "0"] == 1.5
    assert (after["onsale_lane_drained", "0"], after["onsale_lane_drained", "1"]) == (1, 0)
    assert (after["onsale_undecided", ""], after["onsale_redis_up", ""]) == (3, 1)
    assert after["onsale_lanes_late", ""] == 0


def test_metrics_tell_how_many_lanes_are_late() -> None:
    door = StandInDoor(state=[
        SimpleNamespace(lane=lane, depth=1, oldest_age_ms=age_ms, drained_by=None)
        for lane, age_ms in enumerate((30_000, 30_001, 90_000))
    ])  # fmt: skip

    assert samples(without_servers(door).get("/metrics").text)["onsale_lanes_late", ""] == 2


def test_metrics_are_there_without_redis() -> None:
    values = samples(without_servers(StandInDoor(away=True)).get("/metrics").text)

    assert values["onsale_redis_up", ""] == 0
    assert not any(name.startswith("onsale_lane") for name, _ in values)


def test_a_shared_folder_gathers_the_metrics_of_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    values = samples(
        metrics.exposition([SimpleNamespace(lane=0, depth=1, oldest_age_ms=0, drained_by=None)], 1, 30.0).decode()
    )

    assert ("onsale_accepts_total", "BOOK") not in values
    assert values["onsale_lane_depth", "0"] == 1
