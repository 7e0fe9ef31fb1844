"""What the console polls: lanes, workers, stores, samples and a show's figures, as workers and apis report them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import admin_answers
from api.web import metrics
from db.kv import keys, samples
from tests.support.buyer import Buyer, refused
from tests.support.factories import headers_of, make_admin, opened_app
from tests.support.stage import Stage
from workers import samples as sampling
from workers import sweep
from workers.drain import drain


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture(autouse=True)
def no_refusals_of_other_tests(app: Flask) -> None:
    metrics.REFUSED.hand_over(app.extensions["onsale-admin"])
    app.extensions["onsale-admin"].call([("FLUSHDB",)], writes=True)


def read(client: FlaskClient, carol: dict[str, str], what: str, shape: Any) -> dict[str, Any]:
    response = client.get(f"/api/admin/{what}", headers=carol)
    assert response.status_code == 200, response.get_json()
    body: dict[str, Any] = response.get_json()
    assert shape.validate(body) == {}
    return body


def test_a_lane_shows_its_depth_and_the_forecast_says_what_is_not_known(
    client: FlaskClient, carol: dict[str, str], stage: Stage
) -> None:
    show = stage.show()
    for seat in ("A1", "A2", "A3"):
        stage.book(show, seat)

    body = read(client, carol, "lanes", admin_answers.LANES)

    lane = body["lanes"][show % 4]
    assert (lane["lane"], lane["depth"], lane["accepted"], lane["decided"]) == (show % 4, 3, 3, 0)
    assert (lane["drained_by"], lane["worker"], lane["drained_in_s"]) == ("rung", None, None)
    assert body["forecast"] == {
        "within_s": 10, "depth": 3, "drained_in_s": None, "writer_rate": 0.0, "workers_needed": None, "too_deep": [],
    }  # fmt: skip
    stage.drain(show)
    stage.book(show, "A4")
    body = read(client, carol, "lanes?within_s=5", admin_answers.LANES)
    assert body["lanes"][show % 4]["decided"] == 3
    assert body["lanes"][show % 4]["drained_in_s"] is not None
    assert (body["forecast"]["within_s"], body["forecast"]["workers_needed"]) == (5, 1)


def test_a_worker_says_what_it_does_and_whose_drain_holds_a_lane(
    client: FlaskClient, carol: dict[str, str], stage: Stage
) -> None:
    show = stage.show()
    stage.book(show, "A1")
    seen: list[dict[str, Any]] = []

    def while_draining(*_: object, **__: object) -> bool:
        sweep.beat(stage.stores, "w1")
        seen.append(read(client, carol, "workers", admin_answers.WORKERS))
        seen.append(read(client, carol, "lanes", admin_answers.LANES))
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.drain.lanes.wait_for_entry", while_draining)
        drain(stage.stores, show % 4, stage.rung.append, for_s=1)

    [worker] = seen[0]["workers"]
    [turn] = worker["lanes"]
    assert (worker["id"], worker["idle"], worker["pid"] is not None) == ("w1", False, True)
    assert (turn["lane"], turn["batch"], turn["decided"]) == (show % 4, 1, 1)
    assert worker["heartbeat_age_ms"] < 10_000
    assert seen[1]["lanes"][show % 4]["worker"] == "w1"
    sweep.beat(stage.stores, "w1")
    assert read(client, carol, "workers", admin_answers.WORKERS)["workers"][0]["idle"]


def test_a_worker_that_left_or_fell_silent_is_not_listed(
    client: FlaskClient, carol: dict[str, str], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep.beat(stage.stores, "w1")
    sweep.beat(stage.stores, "w2")
    assert len(read(client, carol, "workers", admin_answers.WORKERS)["workers"]) == 2

    monkeypatch.setattr("db.kv.workers_alive.LIFE_MS", 0)
    sweep.beat(stage.stores, "w3")

    assert read(client, carol, "workers", admin_answers.WORKERS)["workers"] == []
    assert set(stage.stores.client.hgetall(keys.DOING)) == {"w3"}  # nothing of the dead ones is kept


def test_a_heartbeat_of_an_older_worker_is_listed(client: FlaskClient, carol: dict[str, str], stage: Stage) -> None:
    stage.stores.client.zadd(keys.WORKERS, {"old": time.time() * 1000})

    [worker] = read(client, carol, "workers", admin_answers.WORKERS)["workers"]

    assert (worker["id"], worker["host"], worker["idle"]) == ("old", None, True)


def test_the_stores_answer(client: FlaskClient, carol: dict[str, str]) -> None:
    body = read(client, carol, "stores", admin_answers.STORES)

    assert (body["postgres"]["status"], body["redis"]["status"]) == ("ok", "ok")
    assert body["redis"]["used_bytes"] > 0


def test_without_postgres_the_lanes_are_seen_and_the_catalogue_is_not(
    app: Flask, carol: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.settings import Settings

    buyer = headers_of(app)
    app.test_client().get("/api/admin/lanes", headers=carol)
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://onsale@127.0.0.1:1/onsale")
    with opened_app(Settings.from_env()) as without:
        # The installation is read from Redis, where another process has published it.
        client = without.test_client()
        read(client, carol, "lanes", admin_answers.LANES)
        read(client, carol, "workers", admin_answers.WORKERS)
        read(client, carol, "samples", admin_answers.SAMPLES)
        assert read(client, carol, "stores", admin_answers.STORES)["postgres"]["status"] == "unavailable"
        refused(client.get("/api/admin/lanes", headers=buyer), 403, "not_allowed")
        refused(client.get("/api/admin/audit", headers=carol), 503, "postgres_unavailable")


def test_one_worker_writes_a_sample_per_second(client: FlaskClient, carol: dict[str, str], stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1")
    stage.drain(show)
    stage.book(show, "A2")
    sweep.beat(stage.stores, "w1")

    assert [sampling.take(stage.stores) for _ in range(3)] == [True, False, False]

    [sample] = read(client, carol, "samples", admin_answers.SAMPLES)["samples"]
    assert (sample["accepted"], sample["decided"], sample["depth"], sample["workers"]) == (2, 1, 1, 1)
    assert sample["per_s"] is None
    assert sample["shows"] == [{"show_id": show, "free": 9, "held": 0, "sold": 1}]
    assert [lane["lane"] for lane in sample["lanes"]] == [show % 4]
    assert read(client, carol, f"samples?since={sample['at']}", admin_answers.SAMPLES)["samples"] == []
    stage.stores.client.delete(keys.SAMPLING)  # the second is over
    assert sampling.take(stage.stores)
    [later] = read(client, carol, f"samples?since={sample['at']}", admin_answers.SAMPLES)["samples"]
    assert later["per_s"]["accepted"] == 0


def test_the_ring_keeps_its_size_and_old_samples_are_not_shown(
    client: FlaskClient, carol: dict[str, str], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "SIZE", 3)
    for _ in range(5):
        stage.stores.client.delete(keys.SAMPLING)
        sampling.take(stage.stores)

    found = read(client, carol, "samples", admin_answers.SAMPLES)["samples"]
    assert len(found) == stage.stores.client.xlen(keys.SAMPLES) == 3
    monkeypatch.setattr(samples, "KEPT_MS", -1)
    assert read(client, carol, "samples?since=2020-01-01T00:00:00Z", admin_answers.SAMPLES)["samples"] == []


def test_a_lease_from_a_clock_that_was_ahead_stops_no_samples(stage: Stage) -> None:
    stage.stores.client.set(keys.SAMPLING, "1", px=3_600_000)

    assert [sampling.take(stage.stores), sampling.take(stage.stores)] == [False, True]


def test_a_full_redis_takes_no_sample_and_stops_no_sweeper(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise redis.OutOfMemoryError

    monkeypatch.setattr(samples, "add", full)

    assert not sampling.take(stage.stores)


def test_a_show_says_what_it_sells_and_what_it_refuses(
    app: Flask, client: FlaskClient, carol: dict[str, str], stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    show = stage.show(rows=1, seats=2)
    where = f"shows/{show}"
    sampling.take(stage.stores)
    alice.book(show, "A1")
    assert read(client, carol, where, admin_answers.SHOW_FIGURES)["undecided"] == 1
    bob.book(show, "A2", hold=True)
    stage.drain(show)
    for _ in range(3):
        refused(bob.book(show, "A1"), 409, "sold_out")
    metrics.REFUSED.hand_over(app.extensions["onsale-admin"])
    sweep.beat(stage.stores, "w1")
    stage.stores.client.delete(keys.SAMPLING)
    sampling.take(stage.stores)

    body = read(client, carol, where, admin_answers.SHOW_FIGURES)

    assert {name: body["show"][name] for name in ("free", "held", "sold")} == {"free": 0, "held": 1, "sold": 1}
    assert (body["lane"], body["undecided"], body["sold_per_min"]) == (show % 4, 0, 1)
    assert body["refused"] == {"sold_out": 3}
    assert read(client, carol, "samples", admin_answers.SAMPLES)["samples"][-1]["refused"] == {"sold_out": 3}
