"""Faults that must stay local: full memory, lost newest entries, one lane's bug, values that no store accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import dramatiq
import pytest
import redis
from sqlalchemy import text

from core import ids
from core.bookings import Reason, Status
from core.errors import ConfigurationError
from core.operations import Book
from db.kv import keys, lanes
from db.postgres import fences
from db.postgres.engine import transaction
from proof.kit.waiting import until
from tests.integration.workers.test_poison import poisoned
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers import actors, batch, drain, middleware, sweep
from workers import stores as worker_stores
from workers.broker import broker, open_broker


@pytest.fixture
def full_memory(stage: Stage) -> Iterator[Any]:
    """Return a function that puts Redis at its memory limit until the test ends."""
    client = stage.stores.client
    yield lambda: client.config_set("maxmemory", "1")
    client.config_set("maxmemory", "0")


def test_at_maxmemory_lanes_still_drain_and_nothing_new_is_accepted(
    stage: Stage, alice: Buyer, full_memory: Any
) -> None:
    show = stage.show()
    first = answered(alice.book(show, "A1", key="k"), 202)["id"]
    second = answered(alice.book(show, "A2", hold=True), 202)["id"]
    stage.stores.client.delete(keys.lease(show % 4))

    full_memory()

    refused(alice.book(show, "A3"), 503, "lane_full")
    assert answered(alice.book(show, "A1", key="k"), 202)["id"] == first  # a repeated key still finds its booking
    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain(show)
    assert answered(alice.get(first), 200)["status"] == "CONFIRMED"
    assert answered(alice.get(second), 200)["stage"] == "HELD"
    stage.stores.client.delete(keys.status(show % 4, UUID(first)))
    assert answered(alice.get(first), 200)["status"] == "CONFIRMED"


def test_while_redis_is_read_only_the_answer_is_503(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]
    operator = redis.Redis.from_url(stage.stores.settings.redis_url)  # our own clients refuse a replica
    operator.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        refused(alice.book(show, "A2"), 503, "redis_unavailable")
        refused(alice.get(id_), 503, "redis_unavailable")
    finally:
        operator.execute_command("REPLICAOF", "NO", "ONE")
        operator.close()
    answered(alice.book(show, "A2"), 202)


def test_a_fault_in_one_lane_does_not_keep_the_sweeper_from_the_others(stage: Stage) -> None:
    shows = sorted((stage.show() for _ in range(4)), key=lambda show: show % 4)
    bookings = [stage.book(show, "A1") for show in shows]
    with transaction(stage.stores.engine) as connection:
        connection.execute(
            text("UPDATE shows SET settings = settings || '{\"from_the_future\": 1}' WHERE id = :id"),
            {"id": shows[0]},
        )
    stage.stores.client.delete(*[keys.lease(lane) for lane in range(4)])

    assert sweep.run_once(stage.stores, stage.rescue) == 4

    assert [stage.booking(id_).status for id_ in bookings[1:]] == [Status.CONFIRMED] * 3
    assert stage.stores.client.xlen(keys.lane(shows[0] % 4)) == 1


def test_a_poison_operation_that_another_drain_has_parked_harms_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    bad = stage.book(show, "A1")
    with poisoned(monkeypatch, "A1"):
        with pytest.raises(batch.Poison) as late:
            batch.run_batch(stage.stores, show % 4, 1)
        stage.drain(show)
    innocent = stage.book(show, "A2")

    done = batch.run_batch(stage.stores, show % 4, 1, poison=late.value)

    assert done is not None
    assert stage.booking(bad).reason is Reason.INTERNAL
    assert stage.booking(innocent).status is Status.CONFIRMED


def test_an_entry_accepted_after_redis_lost_its_newest_ones_is_decided(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1")
    stage.drain(show)
    with transaction(stage.stores.engine) as connection:
        fence = fences.lock(connection, show % 4)
        fences.advance(connection, replace(fence, last=fence.last._replace(ms=fence.last.ms + 60_000)))

    booking = stage.book(show, "A2")
    stage.drain(show)

    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking)["status"] == "CONFIRMED"


def test_a_seat_that_contradicts_its_booking_stops_only_operations_on_it(stage: Stage) -> None:
    show = stage.show()
    held = stage.book(show, "A1", hold=True)
    stage.drain(show)
    with transaction(stage.stores.engine) as connection:
        connection.execute(
            text("UPDATE seats SET booking_id = gen_random_uuid() WHERE show_id = :id AND label = 'A1'"), {"id": show}
        )
    stage.confirm(held)
    other = stage.book(show, "A2")

    while stage.stores.client.xlen(keys.lane(show % 4)):
        stage.stores.client.delete(keys.lease(show % 4))
        stage.drain(show)

    assert stage.booking(other).status is Status.CONFIRMED
    assert stage.booking(held).status is Status.PENDING


def test_a_batch_that_postgres_cancelled_is_retried_smaller(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    for number in range(1, 5):
        stage.book(show, f"A{number}")
    stage.limit(batch=4)
    tried: list[int] = []

    def slow(stores: Any, lane: int, limit: int, **more: Any) -> Any:
        tried.append(limit)
        if limit > 1:
            with transaction(stores.engine) as connection:
                connection.execute(text("SET LOCAL statement_timeout = 1"))
                connection.execute(text("SELECT pg_sleep(10)"))
        return batch.run_batch(stores, lane, limit, **more)

    monkeypatch.setattr(drain, "run_batch", slow)
    while stage.stores.client.xlen(keys.lane(show % 4)):
        stage.stores.client.delete(keys.lease(show % 4))
        stage.drain(show)

    assert tried[:3] == [4, 2, 1]
    stage.proven()


def test_a_process_with_another_number_of_lanes_drains_and_expires_nothing(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.limit(lanes=2)

    with pytest.raises(ConfigurationError, match="LANES"):
        stage.stores.check_installation()
    assert drain.drain(stage.stores, show % 4, stage.rung.append, for_s=0) == 0
    stage.limit(lanes=4)
    assert stage.status(booking) == {}


def test_confirm_and_cancel_in_turns_add_one_entry_each(stage: Stage) -> None:
    show = stage.show()
    held = stage.book(show, "A1", hold=True)
    stage.drain()

    codes = [change(held).code for _ in range(5) for change in (stage.confirm, stage.cancel)]

    assert codes == ["ACCEPTED"] * 2 + ["SAME"] * 8
    stage.drain()
    assert stage.booking(held).status is Status.CANCELLED
    assert not {"CONFIRM", "CANCEL"} & stage.cancel(held).status.keys()


def test_a_workers_stores_are_open_before_it_takes_its_first_doorbell(
    stage: Stage, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_broker(broker_url)
    broker.client.flushdb()
    process = middleware.WorkerProcess(stage.stores.settings)
    broker.add_middleware(process)
    shows = [stage.show() for _ in range(4)]
    bookings = [stage.book(show, "A1") for show in shows]
    worker_stores.use(None)
    for lane in range(4):
        actors.ring(lane)
    monkeypatch.setattr(sweep, "TICK_S", 3600)

    worker = dramatiq.Worker(broker, worker_threads=5, worker_timeout=20)
    worker.start()
    try:
        until(lambda: [stage.status(id_).get("status") for id_ in bookings] == ["CONFIRMED"] * 4)
    finally:
        worker.stop()
        broker.middleware.remove(process)


def test_an_unreadable_payload_of_bytes_is_parked(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.xadd(keys.lane(show % 4), {"o": b"\xff\xfe", "t": 1})
    booking = stage.book(show, "A1")

    stage.drain(show)

    assert stage.booking(booking).status is Status.CONFIRMED
    with transaction(stage.stores.engine) as connection:
        assert bytes(connection.execute(text("SELECT payload FROM parked")).scalar_one()) == b"\xff\xfe"


def test_verify_accepts_a_limit_that_was_raised_and_lowered(stage: Stage) -> None:
    show = stage.show(seats_per_user=2)
    stage.change(show, seats_per_user=4)
    stage.book(show, "A1", "A2", "A3", "A4")
    stage.change(show, seats_per_user=2)
    stage.drain()

    stage.proven()


def test_a_drain_waits_no_longer_than_its_socket_allows(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.limit(lease_ms=14_000)
    waits: list[int] = []
    monkeypatch.setattr(lanes, "wait_for_entry", lambda *arguments: waits.append(arguments[-1]))

    drain.drain(stage.stores, 0, stage.rung.append, for_s=0.05)

    assert waits
    assert max(waits) <= drain.LONGEST_WAIT_MS


def test_a_booking_with_a_value_that_no_store_accepts_is_parked(stage: Stage) -> None:
    operation = Book(booking_id=ids.booking_id(b"k" * 32, 1, stage.alice, "x"), show_id=1, user_id=stage.alice,
                     fingerprint="f", seats=("A1\0",))  # fmt: skip
    stage.show()
    stage.accept(operation)

    stage.drain()

    with transaction(stage.stores.engine) as connection:
        payload = connection.execute(text("SELECT payload FROM parked")).scalar_one()
    assert json.loads(bytes(payload))["seats"] == ["A1\0"]


def test_when_memory_is_short_final_statuses_lapse_sooner(stage: Stage) -> None:
    client = stage.stores.client
    show = stage.show()
    first = stage.book(show, "A1")
    stage.drain()
    assert client.pttl(keys.status(show % 4, first)) > 3_000_000
    forgets_before = int(client.hget(keys.card(show % 4, show), "forgets_at") or 0)
    client.config_set("maxmemory", str(int(client.info("memory")["used_memory"] * 1.4)))
    try:
        assert sweep.watch_memory(stage.stores) > sweep.MEMORY_SHARE
        second, held = stage.book(show, "A2"), stage.book(show, "A3", hold=True)
        stage.drain()
    finally:
        client.config_set("maxmemory", "0")

    assert 0 < client.pttl(keys.status(show % 4, second)) <= 60_000
    assert client.pttl(keys.status(show % 4, held)) == -1
    assert int(client.hget(keys.card(show % 4, show), "forgets_at") or 0) < forgets_before
    assert sweep.watch_memory(stage.stores) == 0.0
    assert stage.stores.final_ttl_s == stage.stores.settings.status_ttl_s
