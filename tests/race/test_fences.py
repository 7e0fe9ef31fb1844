"""Rules 5 and 8 of docs/locking.md: the second line of defence, needed if a bug computes a show's lane in two ways.

Alice's Books are in the lane of their shows, bob's in lane 0. Each rule with its negative control.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, text

from core.errors import PostgresUnavailable
from db.postgres import shows
from db.postgres.engine import transaction
from db.postgres.shows import ShowRow
from ops.verify import verify
from proof.kit.waiting import until
from tests.race.rivals import (
    LANES,
    book_in_lane_0,
    comes_after,
    live_owners,
    neighbours,
    owners_unchecked,
    result,
    shows_unlocked,
    somebody_waits,
    together,
)
from tests.support.stage import Stage
from workers import batch as batches
from workers.batch import Batch, Poison, run_batch

# -- rule 5: shows are locked in id order -------------------------------------------------------------------


def wait_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A long lock timeout: on a busy machine it must not end before the event that the test waits for."""
    lock = shows.lock

    def patiently(connection: Connection, show_ids: list[int]) -> dict[int, ShowRow]:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        return lock(connection, show_ids)

    patch.setattr(batches.shows, "lock", patiently)


@pytest.mark.rule(number=5)
def test_two_lanes_that_want_the_same_shows_wait_for_the_first_of_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_ever(monkeypatch)
    low, high = neighbours(stage)
    alices = [stage.book(low, "A1"), stage.book(high, "A1")]
    bobs = book_in_lane_0(stage, (high, "A1"), (low, "A1"))
    engine = stage.stores.engine
    with ThreadPoolExecutor(2) as pool:
        with transaction(engine) as holder:
            shows.lock(holder, [low])
            batches_ = [pool.submit(run_batch, stage.stores, lane, 500) for lane in (low % LANES, 0)]
            until(lambda: somebody_waits(engine) == 2)
            with transaction(engine) as other:
                statement = text("SELECT id FROM shows WHERE id = :id FOR UPDATE NOWAIT")
                assert other.execute(statement, {"id": high}).scalar_one() == high, "nobody has locked it yet"
        done = [batch.result() for batch in batches_]

    assert all(isinstance(batch, Batch) for batch in done)
    owners = live_owners(stage, low, "A1") + live_owners(stage, high, "A1")
    assert owners in (alices, bobs[::-1])


@pytest.mark.without_rule(number=5)
def test_shows_locked_in_the_order_of_the_operations_deadlock(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    low, high = neighbours(stage)
    for show in (low, high):
        stage.book(show, "A1")
    book_in_lane_0(stage, (high, "A1"), (low, "A1"))
    wait_for_ever(monkeypatch)
    lock, orders, first_is_locked = shows.lock, itertools.cycle([1, -1]), Barrier(2)

    def one_by_one(connection: Connection, show_ids: list[int]) -> dict[int, ShowRow]:
        one, other = show_ids[:: next(orders)]
        found = lock(connection, [one])
        first_is_locked.wait(10)
        return found | lock(connection, [other])

    monkeypatch.setattr(batches.shows, "lock", one_by_one)
    results = together(*(lambda lane=lane: run_batch(stage.stores, lane, 500) for lane in (low % LANES, 0)))

    [failed] = [result for result in results if not isinstance(result, Batch)]
    assert isinstance(failed, PostgresUnavailable)
    assert "deadlock detected" in str(failed)


# -- rule 8: a seat gets a new owner only if its owner is still the one that was read -----------------------


def two_lanes_sell_a_seat(stage: Stage, patch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """Both lanes have read A1 as free; bob's sells it, and then alice's continues. No lock separates them.

    Returns the result of alice's batch, and the owners of the seat according to the bookings.
    """
    show, _ = neighbours(stage)
    alices = stage.book(show, "A1")
    [bobs] = book_in_lane_0(stage, (show, "A1"))
    shows_unlocked(patch)
    came = comes_after(patch, batches, "load_states", lambda: run_batch(stage.stores, 0, 500))

    late = result(lambda: run_batch(stage.stores, show % LANES, 500))

    assert isinstance(came[0], Batch)
    names = {alices: "alice", bobs: "bob"}
    return late, [names[id_] for id_ in live_owners(stage, show, "A1")]


@pytest.mark.rule(number=8)
def test_a_seat_that_was_sold_since_it_was_read_fails_the_batch(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, owners = two_lanes_sell_a_seat(stage, monkeypatch)

    assert isinstance(late, Poison)
    assert "another owner" in str(late)
    assert owners == ["bob"]
    stage.proven()


@pytest.mark.without_rule(number=8)
def test_without_that_check_the_seat_is_sold_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    owners_unchecked(monkeypatch)

    late, owners = two_lanes_sell_a_seat(stage, monkeypatch)

    assert isinstance(late, Batch)
    assert owners == ["alice", "bob"]
    assert any("A1" in violation for violation in verify(stage.stores.settings.database_url).violations)
