"""Doorbells in the broker: limits on their number and age, a full or failed broker; expire runs do not overlap."""

from __future__ import annotations

from collections.abc import Iterator

import dramatiq
import pytest
import redis

from db.kv import admission, keys
from db.kv.rounds import connection_pool
from proof.kit.waiting import until
from tests.support.stage import Stage
from workers import actors, expire, middleware, sweep
from workers import broker as brokers
from workers.broker import MAX_AGE_MS, broker, open_broker
from workers.scheduler import send_expire_holds


@pytest.fixture
def client(broker_url: str) -> Iterator[redis.Redis]:
    """Empty the broker's server, open the product's broker on it, and return a client of that server."""
    open_broker(broker_url)
    client = redis.Redis(connection_pool=connection_pool(broker_url, socket_timeout_s=5))
    client.flushdb()
    yield client
    client.close()


def test_a_broker_that_nobody_reads_does_not_fill_up(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "MOST_WAITING", 3)

    assert [actors.ring(lane) for lane in range(4)] == [True, True, True, False]
    send_expire_holds()  # logs the failure, and raises nothing
    assert client.llen("dramatiq:doorbells") == 3


def test_a_full_broker_is_emptied_by_the_next_doorbell(client: redis.Redis) -> None:
    for lane in range(900):
        actors.ring(lane % 4)
    client.sadd("dramatiq:__acks__.somebody.doorbells", *range(1000))
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 100_000)
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("any write", "is refused")
        assert actors.ring(1)
    finally:
        client.config_set("maxmemory", before)

    assert client.llen("dramatiq:doorbells") == 1
    assert client.keys("*__acks__*") == []


def test_a_broker_that_failed_is_not_tried_for_a_while(
    client: redis.Redis, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_broker("unix:///nowhere")
    assert not actors.ring(1)
    broker.client.connection_pool = connection_pool(broker_url, socket_timeout_s=1, decode=False)

    assert not actors.ring(1)  # it is up again, but not tried yet
    send_expire_holds()  # does not try it either, and raises nothing
    monkeypatch.setattr(broker, "rests_until", 0.0)
    assert actors.ring(1)


def test_a_doorbell_that_is_too_old_is_dropped(stage: Stage, client: redis.Redis) -> None:
    process = middleware.WorkerProcess(stage.stores.settings)
    show = stage.show()
    booking = stage.book(show, "A1")
    bell = actors.drain_lane.message(show % 4)
    broker.enqueue(bell.copy(message_timestamp=bell.message_timestamp - MAX_AGE_MS - 1_000))
    broker.add_middleware(process)
    process.after_worker_boot = lambda *_: None  # type: ignore[method-assign]  # no sweeper
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=20)
    worker.start()
    try:
        until(lambda: client.hlen("dramatiq:doorbells.msgs") == 0)
        assert stage.status(booking) == {}
        assert client.zcard("dramatiq:doorbells.XQ") == 0  # nor kept as a dead letter

        actors.ring(show % 4)
        until(lambda: stage.status(booking))
    finally:
        worker.stop()
        broker.middleware.remove(process)


def test_expire_runs_do_not_overlap_and_take_few_round_trips(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "ACCEPT_CHUNK", 4)
    shows = [stage.show() for _ in range(10)]
    for show in shows:
        stage.book(show, "A1", hold=True)
    stage.drain()
    for show in shows:
        stage.let_holds_lapse(show)
    rounds, call = [], stage.stores.rounds.call
    monkeypatch.setattr(stage.stores.rounds, "call", lambda *given, **how: rounds.append(1) or call(*given, **how))

    stage.stores.client.set(keys.EXPIRY_LEASE, "another worker's")
    assert expire.run_alone(stage.stores, stage.rung.append) == 0
    stage.stores.client.delete(keys.EXPIRY_LEASE)
    rounds.clear()
    assert expire.run_alone(stage.stores, stage.rung.append) == 10

    assert len(rounds) == 6  # the lease, the time, three chunks, the end
    assert sorted(set(stage.rung)) == sorted(stage.rung) == [0, 1, 2, 3]
    assert expire.run_alone(stage.stores, stage.rung.append, overdue=True) == 0
    stage.stores.client.delete(keys.EXPIRY_DONE)
    assert expire.run_alone(stage.stores, stage.rung.append, overdue=True) == 10
    stage.drain()
    assert expire.run_once(stage.stores, stage.rung.append) == 0


def test_at_maxmemory_heartbeats_continue_and_an_expire_run_raises_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "TICK_S", 0.01)
    client = stage.stores.client
    beats = lambda: dict(client.zrange(keys.WORKERS, 0, -1, withscores=True))  # noqa: E731
    failed: list[str] = []
    monkeypatch.setattr(sweep.log, "exception", lambda event, **_: failed.append(event))
    sweeper = sweep.Sweeper(stage.stores, stage.rung.append)
    sweeper.start()
    try:
        until(beats)
        client.config_set("maxmemory", "1")
        before = max(beats().values())
        until(lambda: max(beats().values()) > before + 200)
        client.delete(keys.EXPIRY_DONE)
        assert expire.run_alone(stage.stores, stage.rung.append) == 0
    finally:
        client.config_set("maxmemory", "0")
        sweeper.stop()

    assert failed == []
