"""Redis says what Postgres does not: after a failover, a wipe, a lost entry or a restore. Nothing of it may last."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.bookings import Status
from core.errors import PostgresAway, PostgresWentBack
from core.ids import lane_of
from db import keys
from db.engine import transaction
from tests.buyer import Buyer, answered, refused
from tests.stage import Stage
from workers import batch as batches

LANES = 4


def snapshot(stage: Stage) -> dict[str, bytes]:
    """Everything in Redis, as a replica has it that will miss what comes now."""
    client: Any = stage.stores.client.connection_pool
    raw = type(stage.stores.client)(connection_pool=_raw(client))
    try:
        return {key.decode(): raw.dump(key) for key in raw.scan_iter("*")}
    finally:
        raw.close()


def _raw(pool: Any) -> Any:
    kwargs = {**pool.connection_kwargs, "decode_responses": False}
    return type(pool)(connection_class=pool.connection_class, **kwargs)


def fail_over(stage: Stage, to: dict[str, bytes]) -> None:
    """The replica takes over: Redis is as it was when the snapshot was taken."""
    raw = type(stage.stores.client)(connection_pool=_raw(stage.stores.client.connection_pool))
    try:
        raw.flushdb()
        for key, value in to.items():
            raw.restore(key, 0, value)
    finally:
        raw.close()


def age_check(stage: Stage, key: str, by_s: int = 61) -> None:
    """As if it had been confirmed longer ago."""
    client = stage.stores.client
    client.hincrby(key, "checked", -by_s * 1000)


def test_a_show_that_redis_calls_sold_out_is_looked_up_again(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=1, seats=1)
    id_ = answered(alice.book(show, "A1"), 202)["id"]
    stage.drain()
    before = snapshot(stage)
    alice.cancel(id_)
    stage.drain()
    fail_over(stage, before)
    card = keys.card(lane_of(show, LANES), show)

    refused(bob.book(show, "A1"), 409, "sold_out")  # believed for a minute
    age_check(stage, card)

    answered(bob.book(show, "A1"), 202)


@pytest.mark.parametrize("state", ["PAUSED", "CLOSED"])
def test_a_show_that_redis_calls_closed_is_looked_up_again(stage: Stage, bob: Buyer, state: str) -> None:
    show = stage.show()
    answered(bob.book(show, "A1"), 202)
    stage.drain()
    card = keys.card(lane_of(show, LANES), show)
    stage.stores.client.hset(card, mapping={"state": state, "v": 1})
    age_check(stage, card)

    answered(bob.book(show, "A2"), 202)


def test_a_stale_refusal_stands_while_postgres_is_unavailable(
    stage: Stage, bob: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    answered(bob.book(show, "A1"), 202)
    stage.stores.client.hset(keys.card(lane_of(show, LANES), show), "state", "PAUSED")

    def unavailable(*_: object) -> None:
        raise PostgresAway

    monkeypatch.setattr("api.door.shows.get", unavailable)

    refused(bob.book(show, "A2"), 409, "show_paused")


def test_one_caller_in_five_seconds_confirms_a_refusal(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.hset(keys.card(lane_of(show, LANES), show), mapping={"state": "PAUSED", "checked": 0})
    operation = stage.operation(show, "A1")

    assert [stage.accept(operation).stale for _ in range(3)] == [True, False, False]


def test_a_hold_that_redis_has_not_heard_the_end_of_is_looked_up(stage: Stage, alice: Buyer) -> None:
    show = stage.show(hold_ms=1)
    body = {"show_id": show, "seats": ["A1"], "hold": True}
    id_ = answered(alice.post(body, "k"), 202)["id"]
    stage.drain()
    before = snapshot(stage)
    with transaction(stage.stores.engine) as connection:  # the hold's time was long over, and then it was expired
        connection.execute(text("UPDATE bookings SET expires_at = accepted_at"))
    stage.expire(show)
    stage.drain()
    assert stage.booking(UUID(id_)).status is Status.FAILED
    fail_over(stage, before)
    status = keys.status(lane_of(show, LANES), UUID(id_))
    held = stage.stores.client.hget(status, "b")
    stage.stores.client.hset(status, "b", _with_deadline(str(held), "2020-01-01T00:00:00.000Z"))

    assert answered(alice.post(body, "k"), 200)["reason"] == "HOLD_EXPIRED"
    fail_over(stage, before)
    stage.stores.client.hset(status, "b", _with_deadline(str(held), "2020-01-01T00:00:00.000Z"))
    assert answered(alice.get(id_), 200)["reason"] == "HOLD_EXPIRED"


def _with_deadline(body: str, deadline: str) -> str:
    head, _, rest = body.partition('"expires_at":"')
    return f'{head}"expires_at":"{deadline}{rest[rest.index(chr(34)) :]}'


def test_a_hold_that_nobody_expires_asks_postgres_once_a_minute(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", hold=True), 202)["id"]
    stage.drain()
    stage.let_holds_lapse(show)
    status = keys.status(lane_of(show, LANES), UUID(id_))
    held = str(stage.stores.client.hget(status, "b"))
    stage.stores.client.hset(status, "b", _with_deadline(held, "2020-01-01T00:00:00.000Z"))
    asked: list[int] = []
    get_own = batches.bookings.get_own
    monkeypatch.setattr("api.door.bookings.get_own", lambda *given: asked.append(1) or get_own(*given))

    for _ in range(5):
        assert answered(alice.get(id_), 200)["stage"] == "HELD"

    assert len(asked) == 1


def test_a_hold_past_its_deadline_is_answered_while_postgres_is_unavailable(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    body = {"show_id": show, "seats": ["A1"], "hold": True}
    id_ = answered(alice.post(body, "k"), 202)["id"]
    stage.drain()
    status = keys.status(lane_of(show, LANES), UUID(id_))
    held = str(stage.stores.client.hget(status, "b"))
    stage.stores.client.hset(status, "b", _with_deadline(held, "2020-01-01T00:00:00.000Z"))

    def unavailable(*_: object) -> None:
        raise PostgresAway

    monkeypatch.setattr("api.door.bookings.get_own", unavailable)

    assert answered(alice.get(id_), 200)["stage"] == "HELD"
    assert answered(alice.post(body, "k"), 200)["stage"] == "HELD"


def test_a_queued_booking_whose_entry_is_gone_ends_and_its_key_may_be_repeated(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    lane = keys.lane(lane_of(show, LANES))
    [(entry, _)] = stage.stores.client.xrange(lane)
    stage.book(show, "B1")
    stage.stores.client.xdel(lane, entry)  # an operator
    assert answered(alice.get(id_), 200)["stage"] == "QUEUED"  # nobody can know yet
    stage.drain()

    refused(alice.get(id_), 404, "no_such_booking")
    assert answered(alice.book(show, "A1", key="k"), 202)["id"] == id_
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"
    stage.proven()


@pytest.mark.parametrize("before", [0, 1])
def test_a_queued_booking_ends_although_nothing_comes_behind_its_lost_entry(
    stage: Stage, alice: Buyer, before: int
) -> None:
    show = stage.show()
    lane = keys.lane(lane_of(show, LANES))
    for row in range(before):
        stage.book(show, f"B{row + 1}")
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    stage.stores.client.xdel(lane, stage.stores.client.xrevrange(lane, count=1)[0][0])
    stage.drain()

    refused(alice.get(id_), 404, "no_such_booking")
    assert answered(alice.book(show, "A1", key="k"), 202)["position"] == 1
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"
    stage.proven()


def test_a_booking_whose_entry_is_gone_cannot_be_cancelled(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    lane = keys.lane(lane_of(show, LANES))
    stage.stores.client.xdel(lane, stage.stores.client.xrange(lane)[0][0])

    refused(alice.cancel(id_), 404, "no_such_booking")
    refused(alice.confirm(id_), 404, "no_such_booking")

    assert stage.drain() == 0


def test_an_outcome_whose_entry_was_deleted_before_it_was_published_is_looked_up(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    lane = keys.lane(lane_of(show, LANES))
    assert batches.run_batch(stage.stores, show % LANES, 10) is not None  # and its drain is killed
    stage.stores.client.xdel(lane, stage.stores.client.xrange(lane)[0][0])

    card = keys.card(lane_of(show, LANES), show)
    stage.stores.client.hset(card, "state", "PAUSED")
    assert answered(alice.book(show, "A1", key="k"), 200)["status"] == "CONFIRMED", "a refusal hides no outcome"
    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"
    assert answered(alice.cancel(id_), 202)["status"] == "CONFIRMED"
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CANCELLED"
    stage.proven()


def test_an_unreadable_entry_does_not_keep_its_booking_queued(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    lane = keys.lane(lane_of(show, LANES))
    [(entry, fields)] = stage.stores.client.xrange(lane)
    stage.stores.client.delete(lane)
    stage.stores.client.xadd(lane, {**fields, "o": "{not JSON"}, id=entry)
    stage.drain()

    refused(alice.get(id_), 404, "no_such_booking")
    answered(alice.book(show, "A1", key="k"), 202)
    stage.drain()
    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"


def test_an_entry_with_a_ticket_that_was_never_given_leaves_its_lane(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    first = answered(alice.book(show, "A1"), 202)["id"]
    lane = lane_of(show, LANES)
    [(_, fields)] = stage.stores.client.xrange(keys.lane(lane))
    stage.stores.client.xadd(keys.lane(lane), {**fields, "t": 999})  # an operator puts a copy back
    stage.drain()

    assert stage.stores.client.xlen(keys.lane(lane)) == 0
    later = answered(alice.book(show, "A2"), 202)["id"]
    assert answered(alice.get(later), 200)["stage"] == "QUEUED"
    stage.drain()
    assert [answered(alice.get(id_), 200)["status"] for id_ in (first, later)] == ["CONFIRMED"] * 2


def test_a_confirm_whose_entry_is_gone_is_accepted_again(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", hold=True), 202)["id"]
    stage.drain()
    answered(alice.confirm(id_), 202)
    lane = keys.lane(lane_of(show, LANES))
    [(entry, _)] = stage.stores.client.xrange(lane)
    stage.stores.client.xdel(lane, entry)
    stage.book(show, "B1")
    stage.drain()

    assert answered(alice.get(id_), 200)["pending_operation"] is None
    answered(alice.confirm(id_), 202)
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"


def test_an_expire_whose_entry_is_gone_does_not_keep_the_next_one_waiting_for_ever(stage: Stage) -> None:
    show = stage.show()
    stage.expire(show)

    assert 0 < stage.stores.client.pttl(keys.expiring(lane_of(show, LANES), show)) <= 60_000


def test_a_lane_stops_when_postgres_has_lost_what_was_published(
    stage: Stage, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    show = stage.show()
    stage.book(show, "A1")
    stage.drain()
    with transaction(stage.stores.engine) as connection:  # restored from a backup of a moment ago
        connection.execute(text("TRUNCATE journal, bookings"))
        connection.execute(text("UPDATE seats SET status = 'AVAILABLE', booking_id = NULL"))
        connection.execute(text("UPDATE shows SET sold = 0, version = 1"))
        connection.execute(text("UPDATE lanes SET seq = 0, stream_ms = 0"))
    stage.stores.client.delete(keys.marker(show % LANES))
    waiting = stage.book(show, "B1")

    assert stage.drain() == 0
    with pytest.raises(PostgresWentBack):
        batches.run_batch(stage.stores, show % LANES, 10)

    stage.stores.client.flushdb()  # what docs/operations.md says to do
    stage.publish_card(show)
    again = stage.book(show, "B1")
    stage.drain()
    assert again != waiting
    assert stage.booking(again).status is Status.CONFIRMED
