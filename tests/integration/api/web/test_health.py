"""Probes and metrics."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from api.shapes import answers
from api.web import metrics, postgres_probe
from api.web.postgres_probe import PostgresProbe
from core.settings import Settings
from proof.kit.environment import offline_settings
from tests.support.factories import StandInService


def with_service(app: Flask, service: StandInService) -> FlaskClient:
    """A client of the application with a stand-in for its booking service."""
    app.extensions["onsale"] = replace(app.extensions["onsale"], service=service)
    return app.test_client()


Clients = Callable[[StandInService], FlaskClient]


@pytest.fixture
def without_servers(make_app: Callable[[Settings], Flask]) -> Clients:
    """Clients of applications whose Postgres is unavailable."""
    return lambda service: with_service(make_app(offline_settings()), service)


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_server_says_that_it_runs(without_servers: Clients) -> None:
    response = without_servers(StandInService(unavailable=True)).get("/api/health")

    answers.HEALTH.load(response.get_json())
    assert response.get_json() == {"success": True, "message": "Server is running", "status": "ok"}


def test_the_process_is_alive_while_both_servers_are_unavailable(without_servers: Clients) -> None:
    assert without_servers(StandInService(unavailable=True)).get("/healthz").get_json() == {"status": "ok"}


def test_it_is_ready_with_both_servers(app: Flask) -> None:
    response = with_service(app, StandInService()).get("/readyz")

    answers.READINESS.load(response.get_json())
    assert response.status_code == 200
    assert response.get_json() == {"status": "ready", "redis": "ok", "postgres": "ok", "workers": 2}


def test_it_is_ready_without_postgres(without_servers: Clients) -> None:
    response = without_servers(StandInService()).get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {"status": "ready", "redis": "ok", "postgres": "unavailable", "workers": 2}


def test_it_is_not_ready_without_redis(app: Flask) -> None:
    response = with_service(app, StandInService(unavailable=True)).get("/readyz")

    answers.READINESS.load(response.get_json())
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert response.get_json() == {"status": "not ready", "redis": "unavailable", "postgres": "ok"}


def test_it_is_not_ready_while_it_is_leaving(app: Flask) -> None:
    response = with_service(app, StandInService(leaving=True)).get("/readyz")

    answers.READINESS.load(response.get_json())
    assert response.status_code == 503
    assert response.get_json() == {"status": "leaving", "redis": "ok", "postgres": "ok", "workers": 2}


def test_a_postgres_that_does_not_answer_delays_no_probe(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Semaphore(0)
    answered = threading.Event()

    @contextmanager
    def stuck(_engine: object) -> Iterator[None]:
        asked.release()
        assert answered.wait(30)
        yield

    monkeypatch.setattr(postgres_probe, "transaction", stuck)
    monkeypatch.setattr(postgres_probe, "POSTGRES_PATIENCE_S", 0.01)
    probe = PostgresProbe(engine)

    async def three_at_once() -> list[bool]:
        return await asyncio.gather(*(probe.answers() for _ in range(3)))

    started = time.monotonic()
    assert asyncio.run(three_at_once()) == [False] * 3
    assert [asyncio.run(probe.answers()) for _ in range(3)] == [False] * 3
    assert time.monotonic() - started < 5
    answered.set()
    probe.close()

    assert asked.acquire(timeout=5)
    assert not asked.acquire(blocking=False)


def test_metrics_cover_requests_and_lanes(app: Flask) -> None:
    client = with_service(app, StandInService())
    before = samples(client.get("/metrics").text)
    metrics.ACCEPTS.labels("BOOK").inc()
    metrics.REFUSALS.labels("sold_out").inc()
    client.get("/api/movies/4711")
    response = client.get("/metrics")
    after = samples(response.text)

    def grown(name: str, labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    route = "GET,/api/movies/{movie_id},4xx"
    assert response.content_type.startswith("text/plain")
    assert grown("onsale_accepts_total", "BOOK") == 1
    assert grown("onsale_refusals_total", "sold_out") == 1
    assert grown("onsale_http_request_seconds_count", route) == 1
    assert (after["onsale_lane_depth", "0"], after["onsale_lane_depth", "1"]) == (3, 0)
    assert after["onsale_lane_oldest_age_seconds", "0"] == 1.5
    assert (after["onsale_lane_drained", "0"], after["onsale_lane_drained", "1"]) == (1, 0)
    assert (after["onsale_undecided", ""], after["onsale_redis_up", ""]) == (3, 1)
    assert after["onsale_lanes_late", ""] == 0


def test_metrics_count_late_lanes(without_servers: Clients) -> None:
    service = StandInService(state=[
        SimpleNamespace(lane=lane, depth=1, oldest_age_ms=age_ms, drained_by=None)
        for lane, age_ms in enumerate((30_000, 30_001, 90_000))
    ])  # fmt: skip

    assert samples(without_servers(service).get("/metrics").text)["onsale_lanes_late", ""] == 2


def test_metrics_are_there_without_redis(without_servers: Clients) -> None:
    values = samples(without_servers(StandInService(unavailable=True)).get("/metrics").text)

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
