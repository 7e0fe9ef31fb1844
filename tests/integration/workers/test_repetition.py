"""Steps that are repeated, late or follow a loss of data: committed decisions are published, never made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from core.bookings import Reason, Status
from core.errors import PostgresUnavailable
from db.kv import keys, statuses
from db.postgres.engine import transaction
from tests.support.stage import Stage
from workers import batch as batches
from workers import publish as publishing
from workers.batch import run_batch


def journal(stage: Stage) -> list[tuple[int, int, str, str | None]]:
    with transaction(stage.stores.engine) as connection:
        rows = connection.execute(text("SELECT lane, seq, outcome, reason FROM journal ORDER BY lane, seq"))
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_a_key_repeated_after_its_status_has_left_redis_gets_the_first_outcome(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1", user=stage.bob)
    booking = stage.book(show, "A1", key="k", body="one")
    stage.drain()
    assert stage.booking(booking).status is Status.FAILED
    stage.cancel(stage.book(show, "A1", user=stage.bob, key="unused"), stage.bob)
    stage.drain()
    stage.stores.client.delete(keys.status(show % 4, booking))

    stage.book(show, "A1", key="k", body="one")
    stage.drain()

    assert stage.booking(booking).status is Status.FAILED
    assert stage.status(booking)["reason"] == "SEAT_TAKEN"
    stage.proven()


@pytest.mark.rule(number=6)
def test_what_was_committed_but_not_published_is_published_and_not_decided_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show(rows=1, seats=2)
    held = stage.book(show, "A2", hold=True)
    booking = stage.book(show, "A1")
    with monkeypatch.context() as patch:
        patch.setattr("workers.drain.publish", lambda *_: True)  # the worker dies after COMMIT
        stage.drain()
    assert stage.status(booking) == {}
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 2
    before = journal(stage)

    later = stage.book(show, "A1", user=stage.bob)
    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain()

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.status(held)["stage"] == "HELD"
    assert stage.status(later)["reason"] == "SEAT_TAKEN"
    assert journal(stage)[:2] == before
    assert len(journal(stage)) == 3
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 0
    stage.proven()


def test_a_late_drain_publishes_nothing_over_newer_states(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    lane = show % 4
    booking = stage.book(show, "A1", hold=True)
    zombie = run_batch(stage.stores, lane, 500)  # committed, and then it sleeps
    assert zombie is not None
    stage.drain(show)
    stage.confirm(booking)
    stage.drain(show)
    assert stage.status(booking)["status"] == "CONFIRMED"

    later = stage.book(show, "A2")
    publishing.publish(stage.stores, zombie, "zombie", None)

    assert stage.status(booking)["status"] == "CONFIRMED"
    stage.drain(show)
    assert stage.booking(later).status is Status.CONFIRMED
    stage.proven()


def test_after_redis_was_wiped_decisions_hold_and_lanes_continue(stage: Stage) -> None:
    show = stage.show()
    before = stage.book(show, "A1", key="k", body="f")
    stage.drain()
    stage.stores.client.flushdb()
    stage.publish_card(show)

    again = stage.book(show, "A1", key="k", body="f")
    after = stage.book(show, "A1", user=stage.bob)
    stage.drain()

    assert again == before
    assert stage.booking(before).status is Status.CONFIRMED
    assert stage.status(before)["status"] == "CONFIRMED"
    assert stage.booking(after).reason is Reason.SEAT_TAKEN
    stage.proven()


@pytest.mark.rule(number=7)
def test_a_batch_of_an_earlier_epoch_publishes_its_outcome_and_touches_no_lane(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    batch = run_batch(stage.stores, show % 4, 500)
    assert batch is not None
    stage.stores.client.flushdb()
    stage.publish_card(show)
    other = stage.book(show, "A2")

    assert publishing.publish(stage.stores, batch, "late", None) is False

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1
    stage.drain()
    assert stage.booking(other).status is Status.CONFIRMED


@pytest.mark.rule(number=9)
def test_a_commit_whose_answer_was_lost_is_not_done_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")

    @contextmanager
    def commit_and_lose(engine: Engine) -> Iterator[Connection]:
        with transaction(engine) as connection:
            yield connection
        raise PostgresUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(batches, "transaction", commit_and_lose)
        assert stage.drain(show) == 0
    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking) == {}
    rows = journal(stage)

    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain(show)

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert journal(stage) == rows
    stage.proven()


def test_a_batch_committed_during_a_wipe_is_published_in_the_new_epoch(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis is wiped and a poll publishes the booking's state of before the batch; then the batch is published."""
    show = stage.show()
    booking = stage.book(show, "A1", hold=True)
    stage.drain(show)
    stage.confirm(booking)
    finish = publishing.finish

    def wipe_then_finish(*arguments: Any, **more: Any) -> bool:
        stage.stores.client.flushdb()
        stage.publish_card(show)
        stage.stores.rounds.call([statuses.publish_command(held, 4, 60)], writes=True)
        stage.book(show, "A2", key="of the new epoch")
        return finish(*arguments, **more)

    held = stage.booking(booking)
    monkeypatch.setattr(publishing, "finish", wipe_then_finish)
    stage.drain(show)
    monkeypatch.undo()

    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1, "nothing of the new epoch is trimmed"
    stage.stores.client.delete(keys.lease(show % 4))
    assert stage.drain(show) == 1
    stage.proven()


def test_the_status_of_a_recalled_hold_lapses_after_a_minute(stage: Stage) -> None:
    """A batch may have changed it and will never be published: Redis was wiped, and the drain killed."""
    show = stage.show()
    held, kept = stage.book(show, "A1", hold=True), stage.book(show, "A2")
    stage.drain(show)
    redis, lane = stage.stores.client, show % 4
    assert redis.pttl(keys.status(lane, held)) == -1
    redis.flushdb()

    for booking in (held, kept):
        stage.stores.rounds.call([statuses.publish_command(stage.booking(booking), 4, 3_600)], writes=True)

    assert 50_000 < redis.pttl(keys.status(lane, held)) <= 60_000
    assert redis.pttl(keys.status(lane, kept)) > 3_500_000
