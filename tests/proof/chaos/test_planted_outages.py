"""The oracle finds stalled lanes, overlong holds and outdated statuses; recovery after Redis went back in time."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import redis

from db.kv import keys
from db.kv.rounds import connection_pool
from db.postgres import fences
from db.postgres.engine import transaction
from proof.chaos.ages import Ages
from proof.chaos.bounds import overdue
from proof.chaos.evidence import Wipe
from proof.chaos.nemesis import Fired
from proof.chaos.oracle import judge
from proof.chaos.servers import SNAPSHOT, ask, go_back
from tests.proof.chaos.recorded_run import RecordedRun
from workers.batch import run_batch
from workers.publish import publish


def raw(run: RecordedRun) -> redis.Redis:
    url = run.stage.stores.settings.redis_url
    return redis.Redis(connection_pool=connection_pool(url, socket_timeout_s=5.0, decode=False))


def test_a_lane_that_nobody_drains_while_the_broker_is_paused(run: RecordedRun) -> None:
    show, settings = run.stage.show(), run.stage.stores.settings
    begun = time.time()
    run.book(show, "A1")
    ages = Ages(settings.redis_url, settings.lanes)
    ages.look()
    [sample] = ages.samples
    assert (sample.lane, sample.depth) == (show % 4, 1)
    assert 0 <= sample.age_s <= time.time() - begun + 0.1
    run.drain()
    ages.look()
    assert len(ages.samples) == 1

    paused = Fired("stop broker", "", begun, begun + 30, combined=False)
    late = overdue([paused], [sample._replace(at=begun + 10, age_s=10.0)], [], [])
    verdict = judge(replace(run.evidence(), overdue=[(each.text, each.at) for each in late]), [paused])

    assert verdict.broken == {"I11"}
    assert verdict.by_fault == {("stop broker", "I11"): 1}


def test_a_worker_with_other_lanes_that_was_not_refused(run: RecordedRun) -> None:
    run.stage.show()

    assert judge(replace(run.evidence(), unrefused=["a worker of 5 lanes still ran"])).broken == {"I12"}


def test_a_hold_that_lasts_longer_than_its_show_says(run: RecordedRun) -> None:
    show = run.stage.show(hold_ms=60_000)
    run.book(show, "A1", hold=True)
    run.drain()
    evidence = run.evidence(rested=False)

    shorter = replace(evidence.created[show], hold_ms=50_000)

    assert judge(evidence).broken == set()
    assert judge(replace(evidence, created={show: shorter})).broken == {"I5"}


@pytest.mark.parametrize("asked", [{"hold": True}, {"waiting_list": True}], ids=["held", "waiting"])
def test_a_decided_booking_may_be_queued_once_more_only_after_a_wipe(
    run: RecordedRun, asked: dict[str, bool]
) -> None:
    show, client = run.stage.show(), run.stage.stores.client
    run.book(show, "A1", user=run.stage.bob) if "waiting_list" in asked else None
    booked = run.book(show, "A1", **asked)
    run.drain()
    assert run.look(booked).said["version"] == 1
    begun = time.time()
    client.delete(*client.keys("*booking*"))
    wipe = Wipe(begun, time.time())
    assert run.book(show, "A1", key=booked.key, **asked).said["version"] == 0
    run.drain()
    evidence = run.evidence(rested=False)

    assert judge(replace(evidence, wipes=[wipe])).broken == set()
    assert judge(evidence).broken == {"I3"}


def test_a_status_that_is_older_than_the_last_decision(run: RecordedRun) -> None:
    show = run.stage.show()
    held = run.book(show, "A1", hold=True)
    run.drain()
    found = ask(raw(run), "EVAL", SNAPSHOT, 0)
    run.confirm(held)
    run.drain()
    go_back(raw(run), found)
    assert run.look(held).said["stage"] == "HELD"

    assert run.judged().broken == {"I9"}


def test_decisions_are_published_again_after_redis_went_back(run: RecordedRun) -> None:
    show = run.stage.show()
    kept = run.book(show, "A1")
    found = ask(raw(run), "EVAL", SNAPSHOT, 0)
    run.drain()
    lost = run.book(show, "A2")
    assert run.look(kept).said["status"] == "CONFIRMED"
    go_back(raw(run), found)

    client, lane = run.stage.stores.client, keys.lane(show % 4)
    assert client.xlen(lane) == 1
    assert run.look(kept).said["version"] == 0
    assert run.look(lost).code == 404
    run.drain()
    assert run.look(kept).said["status"] == "CONFIRMED"
    assert client.xlen(lane) == 0


def test_the_transaction_that_locks_a_lanes_row_is_listed_while_it_does(run: RecordedRun) -> None:
    engine = run.stage.stores.engine

    def holders() -> set[tuple[int, float]]:
        with transaction(engine) as connection:
            return fences.holders(connection)

    assert holders() == set()
    with transaction(engine) as connection:
        fences.lock(connection, 1)
        [(pid, begun)] = holders()
        assert pid == connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        assert holders() == {(pid, begun)}
    assert holders() == set()


def test_a_booking_accepted_after_redis_went_back_is_queued_although_a_late_batch_counted_further(
    run: RecordedRun,
) -> None:
    show = run.stage.show()
    run.book(show, "B1")
    run.drain()
    found = ask(raw(run), "EVAL", SNAPSHOT, 0)
    for seat in ("A1", "A2", "A3"):
        run.book(show, seat)
    late = run_batch(run.stage.stores, show % 4, 500)
    assert late is not None
    go_back(raw(run), found)
    publish(run.stage.stores, late, "late", None)

    booked = run.book(show, "A4")

    assert booked.code == 202
    assert run.look(booked).said["stage"] == "QUEUED"
    run.drain()
    assert run.look(booked).said["status"] == "CONFIRMED"


def test_an_entry_that_came_back_is_published_again_although_a_late_batch_was_behind_it(run: RecordedRun) -> None:
    show = run.stage.show()
    kept = run.book(show, "A1")
    found = ask(raw(run), "EVAL", SNAPSHOT, 0)
    run.drain()
    run.book(show, "A2")
    late = run_batch(run.stage.stores, show % 4, 500)
    assert late is not None
    go_back(raw(run), found)
    publish(run.stage.stores, late, "late", None)

    run.drain()

    assert run.look(kept).said["status"] == "CONFIRMED"
    assert run.stage.stores.client.xlen(keys.lane(show % 4)) == 0
