"""Rules 1 and 2 of docs/locking.md: the lane's lock, and what is read under it. With their negative controls."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from core import ids
from core.bookings import Reason, Status
from core.errors import LaneBusy
from core.operations import load_entry
from db.kv import lanes
from db.postgres import fences, seats, shows
from db.postgres.engine import transaction
from db.postgres.fences import Fence
from db.postgres.seats import SeatChange
from proof.kit.waiting import until
from tests.race.rivals import (
    LANES,
    comes_after,
    comes_before,
    lane_unlocked,
    live_owners,
    owners_unchecked,
    somebody_waits,
)
from tests.support.stage import Stage
from workers import batch as batches
from workers.batch import Batch, Poison, run_batch
from workers.kept_seats import KeptSeats
from workers.publish import publish

# -- rule 1: one writer per lane ----------------------------------------------------------------------------


def two_drains(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, UUID]:
    """A drain has just read the lane's row when another one runs. Afterwards, bob books.

    Returns the result of the other drain, and bob's booking.
    """
    show = stage.show()
    stage.book(show, "A1")
    run = lambda: run_batch(stage.stores, show % LANES, 500)  # noqa: E731
    with monkeypatch.context() as patch:
        came = comes_after(patch, fences, "lock", run)
        batch = run()
    assert batch is not None
    publish(stage.stores, batch, "token", None)
    return came[0], stage.book(show, "A2", user=stage.bob)


@pytest.mark.rule(number=1)
def test_a_second_drain_is_refused_and_the_lane_continues(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    other, later = two_drains(stage, monkeypatch)

    assert isinstance(other, LaneBusy)
    assert stage.drain() == 1
    assert stage.booking(later).status is Status.CONFIRMED
    stage.proven()


@pytest.mark.without_rule(number=1)
def test_without_the_lanes_lock_its_row_is_set_back_and_the_lane_stops(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        lane_unlocked(patch)
        other, later = two_drains(stage, monkeypatch)

    assert isinstance(other, Batch)
    assert stage.drain() == 0
    with pytest.raises(Poison, match="journal_pkey"):
        run_batch(stage.stores, ids.show_of(later) % LANES, 500)


# -- rule 2: lock first, read in a later statement ----------------------------------------------------------


def alice_then_bob(stage: Stage) -> tuple[int, Callable[[], Any]]:
    """Alice and bob want A1. The rival worker decides alice's Book, commits, and is killed before it publishes."""
    show = stage.show()
    stage.book(show, "A1")
    stage.book(show, "A1", user=stage.bob)
    return show, lambda: run_batch(stage.stores, show % LANES, 1)


@pytest.mark.rule(number=2)
def test_what_is_read_after_the_lock_is_what_the_last_holder_wrote(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, rival = alice_then_bob(stage)
    came = comes_before(monkeypatch, fences, "lock", rival)

    batch = run_batch(stage.stores, show % LANES, 500)

    assert isinstance(came[0], Batch)
    assert batch is not None
    assert [decision.reason for decision in batch.decisions] == [Reason.SEAT_TAKEN]
    assert len(live_owners(stage, show, "A1")) == 1
    stage.proven()


@pytest.mark.without_rule(number=2)
@pytest.mark.parametrize("checked", [True, False])
def test_a_seat_that_is_read_before_the_lock_is_sold_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, checked: bool
) -> None:
    """Rule 8 is the fallback for rule 2: with it the batch fails, without it the seat has two owners."""
    show, rival = alice_then_bob(stage)
    load, lock, early = batches.load_states, fences.lock, []

    def read_then_lock(connection: Connection, lane: int) -> Fence:
        monkeypatch.setattr(fences, "lock", lock)
        entries = [load_entry(*entry) for entry in lanes.peek(stage.stores.client, lane, 500).entries]
        row = shows.get(connection, show)
        assert row is not None
        early.append(load(connection, {show: row}, entries, stage.stores.halls, KeptSeats()))
        rival()
        monkeypatch.setattr(batches, "load_states", lambda *_: early[0])
        return lock(connection, lane)

    monkeypatch.setattr(fences, "lock", read_then_lock)
    if checked:
        with pytest.raises(Poison, match="another owner"):
            run_batch(stage.stores, show % LANES, 500)
    else:
        owners_unchecked(monkeypatch)
        run_batch(stage.stores, show % LANES, 500)
        assert len(live_owners(stage, show, "A1")) == 2


def owner_after_waiting(stage: Stage, read: Callable[[Connection, int], UUID | None]) -> tuple[UUID, UUID | None]:
    """A transaction has locked the show and sold A1; `read` begins now, waits for the lock, and reads the owner.

    Returns the seat's new owner, and the owner that was read.
    """
    show, engine = stage.show(), stage.stores.engine
    new = stage.operation(show, "A1").booking_id

    def look() -> UUID | None:
        with transaction(engine) as connection:
            return read(connection, show)

    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as first:
            shows.lock(first, [show])
            seats.record(first, [SeatChange(show, "A1", None, new, "SOLD")])
            second = pool.submit(look)
            until(lambda: somebody_waits(engine))
        return new, second.result()


@pytest.mark.rule(number=2)
def test_a_later_statement_sees_what_was_committed_while_the_lock_was_waited_for(stage: Stage) -> None:
    def lock_then_read(connection: Connection, show: int) -> UUID | None:
        shows.lock(connection, [show])
        [(_, _, owner)] = seats.owners(connection, [(show, "A1")])
        return owner

    new, read = owner_after_waiting(stage, lock_then_read)

    assert read == new


@pytest.mark.without_rule(number=2)
def test_one_statement_that_locks_and_reads_takes_a_sold_seat_for_free(stage: Stage) -> None:
    def lock_and_read(connection: Connection, show: int) -> UUID | None:
        statement = text("""
            SELECT seats.booking_id
            FROM shows
            JOIN seats ON seats.show_id = shows.id
            WHERE shows.id = :show AND seats.label = 'A1'
            FOR UPDATE OF shows
        """)
        owner: UUID | None = connection.execute(statement, {"show": show}).scalar_one()
        return owner

    _, read = owner_after_waiting(stage, lock_and_read)

    assert read is None
