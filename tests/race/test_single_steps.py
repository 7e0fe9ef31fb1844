"""Rules 3 and 4 of docs/locking.md: accepting is one atomic step, and so is falling asleep. With controls."""

from __future__ import annotations

import threading

import pytest

from core.operations import Book
from db.kv import admission, keys, lanes, scripts
from db.kv.admission import AcceptReply
from tests.race.rivals import LANES, together
from tests.support.stage import Stage

#: Longer than any test.
LEASE_MS = 60_000


def awake(stage: Stage, lane: int) -> bool:
    """Return whether the lane has a lease; without one, only the sweeper would find its entries."""
    return bool(stage.stores.client.exists(keys.lease(lane)))


def send(stage: Stage, operation: Book) -> AcceptReply:
    """Accept it over a separate connection, as an api process does."""
    return admission.parse(
        stage.stores.client.execute_command(*admission.command(operation, lanes=LANES, cap=1_000, lease_ms=2_000))
    )


# -- rule 3: accepting is one atomic step -------------------------------------------------------------------


@pytest.mark.rule(number=3)
def test_a_key_sent_a_hundred_times_at_once_is_accepted_once(stage: Stage) -> None:
    show = stage.show()
    operation = stage.operation(show, "A1", key="k")
    stage.stores.client.script_load(scripts.ACCEPT.source)

    results = together(*[lambda: send(stage, operation)] * 100)

    assert sorted(result.code for result in results) == ["ACCEPTED"] + ["SAME"] * 99
    assert {result.status["t"] for result in results} == {"1"}
    assert stage.stores.client.xlen(keys.lane(show % LANES)) == 1


@pytest.mark.without_rule(number=3)
def test_checking_first_and_adding_later_accepts_a_key_twice(stage: Stage) -> None:
    show = stage.show()
    lane, operation, looked = show % LANES, stage.operation(show, "A1", key="k"), threading.Barrier(2)
    client, status = stage.stores.client, keys.status(lane, operation.booking_id)

    def look_then_add() -> int | None:
        there = client.exists(status)
        looked.wait(10)
        if there:
            return None
        ticket = int(client.hincrby(keys.meter(lane), "ticket", 1))
        client.xadd(keys.lane(lane), {"o": "{}", "t": ticket, "a": 0})
        client.hset(status, mapping={"v": "0", "t": ticket})
        return ticket

    tickets = together(look_then_add, look_then_add)

    assert sorted(tickets) == [1, 2]
    assert client.xlen(keys.lane(lane)) == 2


# -- rule 4: checking the lane and falling asleep are one atomic step ---------------------------------------


@pytest.mark.rule(number=4)
@pytest.mark.parametrize("accept_first", [True, False])
def test_no_wake_up_is_lost_between_release_and_accept(stage: Stage, accept_first: bool) -> None:
    show = stage.show()
    lane, client, operation = show % LANES, stage.stores.client, stage.operation(show, "A1")
    assert lanes.take(client, lane, "me", LEASE_MS)
    accepted = stage.accept(operation) if accept_first else None

    entries_left = lanes.release(client, lane, "me", LEASE_MS)
    accepted = accepted or stage.accept(operation)

    assert entries_left or accepted.ring
    assert awake(stage, lane)


@pytest.mark.without_rule(number=4)
def test_checking_first_and_falling_asleep_later_loses_a_wake_up(stage: Stage) -> None:
    show = stage.show()
    lane, client = show % LANES, stage.stores.client
    assert lanes.take(client, lane, "me", LEASE_MS)

    empty = client.xlen(keys.lane(lane)) == 0
    accepted = stage.accept(stage.operation(show, "A1"))
    if empty:
        client.delete(keys.lease(lane))

    assert client.xlen(keys.lane(lane)) == 1
    assert not accepted.ring
    assert not awake(stage, lane)
