"""Rules 9 and 10 of docs/locking.md: what a worker may conclude from a COMMIT. With their negative controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from core.bookings import Reason, Status
from db.kv import keys
from db.postgres.engine import transaction
from tests.race.rivals import (
    LANES,
    fails_at_commit,
    live_owners,
    loses_the_answer,
    owners_unchecked,
    uniqueness_dropped,
)
from tests.support.stage import Stage
from workers import batch as batches
from workers.batch import Batch, Poison, run_batch
from workers.drain import drain
from workers.kept_seats import KeptSeats
from workers.load_state import keep_seats
from workers.stores import Stores, open_stores


def lapse(stage: Stage, show: int) -> None:
    """Let the lease of a failed drain lapse."""
    stage.stores.client.delete(keys.lease(show % LANES))


# -- rule 9: a COMMIT whose answer was lost is never repeated blindly ---------------------------------------


def lose_an_answer_and_continue(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[int, UUID, UUID]:
    """Commit alice's A1, but lose the answer to its drain; a later drain decides her Cancel and bob's Book of A1.

    Returns the show, alice's booking and bob's.
    """
    show = stage.show()
    alices = stage.book(show, "A1")
    with monkeypatch.context() as patch:
        patch.setattr(batches, "transaction", loses_the_answer)
        assert stage.drain(show) == 0
    lapse(stage, show)
    stage.drain(show)
    stage.cancel(alices)
    bobs = stage.book(show, "A1", user=stage.bob)
    stage.drain(show)
    assert live_owners(stage, show, "A1") == [bobs]
    return show, alices, bobs


@pytest.mark.rule(number=9)
def test_a_drain_whose_commit_was_not_answered_begins_at_the_lock(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, alices, bobs = lose_an_answer_and_continue(stage, monkeypatch)

    assert run_batch(stage.stores, show % LANES, 500) is None
    assert stage.drain(show) == 0

    assert live_owners(stage, show, "A1") == [bobs]
    assert stage.booking(alices).status is Status.CANCELLED
    stage.proven()


@pytest.mark.without_rule(number=9)
def test_a_transaction_that_is_repeated_blindly_sells_the_seat_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, only the database's constraints and rule 8 are left."""
    record, recorded = batches.record, []

    def record_and_remember(connection: Any, batch: Batch) -> None:
        recorded.append(replace(batch, rows=dict(batch.rows)))
        record(connection, batch)

    monkeypatch.setattr(batches, "record", record_and_remember)
    show, alices, bobs = lose_an_answer_and_continue(stage, monkeypatch)
    owners_unchecked(monkeypatch)

    def repeat() -> None:
        with transaction(stage.stores.engine) as connection:
            record(connection, replace(recorded[0], rows=dict(recorded[0].rows)))

    with pytest.raises(IntegrityError, match="bookings_pkey"):
        repeat()
    uniqueness_dropped(stage)
    repeat()

    assert live_owners(stage, show, "A1") == [alices, bobs]


# -- rule 10: what a worker keeps between batches is trusted only under the lock ----------------------------


@pytest.fixture
def other(stage: Stage) -> Iterator[Stores]:
    """The stores of another worker."""
    opened = open_stores(stage.stores.settings)
    yield opened
    opened.close()


def sold_by_another_worker(stage: Stage, other: Stores) -> int:
    """Have this worker keep the map of a show of three seats, two of them free; another worker sells the better one
    to bob, and alice's Book of one best seat is next in the lane. Returns the show."""
    show = stage.show(rows=1, seats=3)
    stage.book(show, quantity=1)
    stage.drain(show)
    stage.book(show, quantity=1, user=stage.bob)
    stage.book(show, quantity=1)
    assert run_batch(other, show % LANES, 1) is not None
    return show


def owners_of_each(stage: Stage, show: int) -> list[int]:
    """Return how many bookings own each of the three seats, sorted."""
    return sorted(len(live_owners(stage, show, label)) for label in ("A1", "A2", "A3"))


@pytest.mark.rule(number=10)
def test_a_kept_map_is_not_used_once_another_worker_has_sold(stage: Stage, other: Stores) -> None:
    show = sold_by_another_worker(stage, other)

    run_batch(stage.stores, show % LANES, 500)

    assert owners_of_each(stage, show) == [1, 1, 1]
    stage.proven()


@pytest.mark.without_rule(number=10)
@pytest.mark.parametrize("checked", [True, False])
def test_a_kept_map_of_another_version_sells_a_seat_twice(
    stage: Stage, other: Stores, monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    """Rule 8 is the fallback for rule 10: with it the batch fails, without it the seat has two owners."""
    monkeypatch.setattr(KeptSeats, "remove", lambda kept, show_id, version: kept._pop(show_id))
    show = sold_by_another_worker(stage, other)

    if checked:
        with pytest.raises(Poison, match="another owner"):
            run_batch(stage.stores, show % LANES, 500)
    else:
        owners_unchecked(monkeypatch)
        run_batch(stage.stores, show % LANES, 500)
        assert owners_of_each(stage, show) == [0, 1, 2]


def ask_after_a_rollback(stage: Stage, other: Stores, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """Of six seats one is sold. Two more are sold to alice, which is rolled back, and she cancels; another worker
    sells one. Returns bob's booking of the four free seats, decided by this worker."""
    show = stage.show(rows=1, seats=6)
    stage.book(show, quantity=1)
    stage.drain(show)
    regretted = stage.book(show, quantity=2)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "transaction", fails_at_commit)
        assert stage.drain(show) == 0
    stage.cancel(regretted)
    lapse(stage, show)
    stage.book(show, "A5")
    assert drain(other, show % LANES, stage.rung.append, for_s=0) == 3
    assert stage.booking(regretted).status is Status.CANCELLED
    wanted = stage.book(show, quantity=4, user=stage.bob)
    stage.drain(show)
    return wanted


@pytest.mark.rule(number=10)
def test_a_map_of_a_batch_that_was_rolled_back_is_not_kept(
    stage: Stage, other: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ask_after_a_rollback(stage, other, monkeypatch)

    assert stage.booking(wanted).status is Status.CONFIRMED
    stage.proven()


@pytest.mark.without_rule(number=10)
def test_a_map_kept_before_commit_refuses_seats_that_are_free(
    stage: Stage, other: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = batches.record

    def record_and_keep(connection: Any, batch: Batch) -> None:
        record(connection, batch)
        if connection.engine is stage.stores.engine:
            keep_seats(stage.stores.kept_seats, batch.states, batch.rows)

    monkeypatch.setattr(batches, "record", record_and_keep)

    wanted = ask_after_a_rollback(stage, other, monkeypatch)

    assert stage.booking(wanted).reason is Reason.SOLD_OUT
