"""Actors, the sweeper and expire runs; lanes are drained even if doorbells, drains or the broker are lost."""

from __future__ import annotations

import dramatiq
import pytest
import redis

from core.bookings import Reason, Status
from db.kv import keys, lanes
from db.kv.rounds import connection_pool
from proof.kit.waiting import until
from tests.support.stage import Stage
from workers import actors, expire, sweep
from workers.broker import broker, open_broker


def test_the_sweeper_rescues_a_lane_whose_doorbell_was_lost(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    assert sweep.run_once(stage.stores, stage.rescue) == 0  # the lease is fresh: a worker may be on its way

    stage.stores.client.delete(keys.lease(show % 4))

    assert sweep.run_once(stage.stores, stage.rescue) == 1
    assert stage.booking(booking).status is Status.CONFIRMED
    assert sweep.run_once(stage.stores, stage.rescue) == 0


def test_the_sweeper_rescues_a_lane_whose_drain_was_killed(stage: Stage) -> None:
    show = stage.show()
    assert lanes.take(stage.stores.client, show % 4, "killed", 2_000)
    booking = stage.book(show, "A1")

    stage.stores.client.pexpire(keys.lease(show % 4), 1)
    until(lambda: not stage.stores.client.exists(keys.lease(show % 4)))
    sweep.run_once(stage.stores, stage.rescue)

    assert stage.booking(booking).status is Status.CONFIRMED


def test_the_sweepers_thread_works_without_a_broker(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "TICK_S", 0.01)
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.stores.client.delete(keys.lease(show % 4))
    open_broker("unix:///nowhere")

    sweeper = sweep.Sweeper(stage.stores, actors.ring)
    sweeper.start()
    until(lambda: stage.status(booking))
    sweeper.stop()

    assert not sweeper.is_alive()
    assert stage.status(booking)["status"] == "CONFIRMED"


def test_expire_accepts_one_operation_per_show_with_lapsed_holds(stage: Stage) -> None:
    show, other = stage.show(), stage.show()
    lapsed = [stage.book(show, seat, hold=True) for seat in ("A1", "A2")]
    kept = stage.book(other, "A1", hold=True)
    stage.drain()
    stage.let_holds_lapse(show)

    assert expire.run_once(stage.stores, stage.rung.append) == 1
    assert expire.run_once(stage.stores, stage.rung.append) == 1
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1
    stage.drain()

    assert {stage.booking(id_).reason for id_ in lapsed} == {Reason.HOLD_EXPIRED}
    assert stage.booking(kept).status is Status.PENDING
    assert expire.run_once(stage.stores, stage.rung.append) == 0


def test_doorbells_go_through_the_broker_to_the_drain(stage: Stage, broker_url: str) -> None:
    open_broker(broker_url)
    client = redis.Redis(connection_pool=connection_pool(broker_url, socket_timeout_s=5))
    client.flushdb()
    show = stage.show()
    booking = stage.book(show, "A1")

    actors.ring(show % 4)
    assert client.llen("dramatiq:doorbells") == 1
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=20)
    worker.start()
    try:
        until(lambda: stage.status(booking))
    finally:
        worker.stop()

    assert stage.status(booking)["status"] == "CONFIRMED"


def test_a_doorbell_that_cannot_be_sent_is_only_logged(stage: Stage) -> None:
    open_broker("unix:///nowhere")

    actors.ring(1)
    actors.expire_holds.fn()
