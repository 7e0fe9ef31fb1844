"""Redis and Postgres disagree: after a failover, a wipe, a lost entry or a restore. No disagreement may last."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.bookings import Status
from core.errors import PostgresUnavailable, PostgresWentBack
from core.ids import lane_of
from db.kv import cards, keys
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers import batch as batches

LANES = 4


def snapshot(stage: Stage) -> dict[str, bytes]:
    """Dump everything in Redis, as a replica that will miss all later writes."""
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
    """Promote the replica: restore Redis to the snapshot."""
    raw = type(stage.stores.client)(connection_pool=_raw(stage.stores.client.connection_pool))
    try:
        raw.flushdb()
        for key, value in to.items():
            raw.restore(key, 0, value)
    finally:
        raw.close()


def age_check(stage: Stage, key: str, by_s: int = 61) -> None:
    """Make the last check of a card or status look older."""
    client = stage.stores.client
    client.hincrby(key, "checked", -by_s * 1000)


def test_a_show_sold_out_in_redis_is_checked_in_postgres(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=1, seats=1)
    id_ = answered(alice.book(show, "A1"), 202)["id"]
    stage.drain()
    before = snapshot(stage)
    alice.cancel(id_)
    stage.drain()
    fail_over(stage, before)
    card = keys.card(lane_of(show, LANES), show)

    refused(bob.book(show, "A1"), 409, "sold_out")  # trusted for a minute
    age_check(stage, card)

    answered(bob.book(show, "A1"), 202)


@pytest.mark.parametrize("state", ["PAUSED", "CLOSED"])
def test_a_show_closed_in_redis_is_checked_in_postgres(stage: Stage, bob: Buyer, state: str) -> None:
    show = stage.show()
    answered(bob.book(show, "A1"), 202)
    stage.drain()
    card = keys.card(lane_of(show, LANES), show)
    stage.stores.client.hset(card, mapping={"state": state, "v": 1})
    age_check(stage, card)

    answered(bob.book(show, "A2"), 202)


def test_a_stale_refusal_is_returned_while_postgres_is_unavailable(
    stage: Stage, bob: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    answered(bob.book(show, "A1"), 202)
    stage.stores.client.hset(keys.card(lane_of(show, LANES), show), "state", "PAUSED")

    def unavailable(*_: object) -> None:
        raise PostgresUnavailable

    monkeypatch.setattr("api.bookings.intake.shows.get", unavailable)

    refused(bob.book(show, "A2"), 409, "show_paused")


def test_a_refusal_is_confirmed_once_in_five_seconds(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.hset(keys.card(lane_of(show, LANES), show), mapping={"state": "PAUSED", "checked": 0})
    operation = stage.operation(show, "A1")

    assert [stage.accept(operation).stale for _ in range(3)] == [True, False, False]


def test_a_hold_whose_end_redis_missed_is_read_from_postgres(stage: Stage, alice: Buyer) -> None:
    show = stage.show(hold_ms=1)
    body = {"show_id": show, "seats": ["A1"], "hold": True}
    id_ = answered(alice.post(body, "k"), 202)["id"]
    stage.drain()
    before = snapshot(stage)
    with transaction(stage.stores.engine) as connection:  # the hold lapsed long ago, and was then expired
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


def test_a_hold_that_is_not_expired_is_read_from_postgres_once_a_minute(
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
    monkeypatch.setattr("api.bookings.intake.bookings.get_own", lambda *given: asked.append(1) or get_own(*given))

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
        raise PostgresUnavailable

    monkeypatch.setattr("api.bookings.intake.bookings.get_own", unavailable)

    assert answered(alice.get(id_), 200)["stage"] == "HELD"
    assert answered(alice.post(body, "k"), 200)["stage"] == "HELD"


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
    stage.stores.client.delete(keys.lease(show % LANES))
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


def test_a_card_that_a_batch_creates_expires_in_redis(stage: Stage) -> None:
    """Long after a show its card has left Redis; a Cancel that arrives then must not restore it for ever."""
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.drain()
    client, card = stage.stores.client, keys.card(lane_of(show, LANES), show)
    client.delete(card)
    stage.cancel(booking)

    stage.drain()

    assert client.hget(card, "state") == "ON_SALE"
    assert 0 < client.pttl(card) <= cards.KEPT_MS + HOUR_MS
