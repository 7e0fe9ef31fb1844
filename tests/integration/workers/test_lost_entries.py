"""Entries that a lane lost undecided, deleted by hand or unreadable: whatever waits for them comes to an end."""

from __future__ import annotations

import pytest

from core.ids import lane_of
from db.kv import keys
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers import batch as batches

LANES = 4


def test_a_queued_booking_whose_entry_is_gone_ends_and_its_key_may_be_repeated(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1", key="k"), 202)["id"]
    lane = keys.lane(lane_of(show, LANES))
    [(entry, _)] = stage.stores.client.xrange(lane)
    stage.book(show, "B1")
    stage.stores.client.xdel(lane, entry)  # as an operator might
    assert answered(alice.get(id_), 200)["stage"] == "QUEUED"  # the loss cannot be known yet
    stage.drain()

    refused(alice.get(id_), 404, "no_such_booking")
    assert answered(alice.book(show, "A1", key="k"), 202)["id"] == id_
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"
    stage.proven()


@pytest.mark.parametrize("before", [0, 1])
def test_a_queued_booking_ends_although_nothing_follows_its_lost_entry(
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


def test_an_expire_whose_entry_is_gone_does_not_block_the_next_one_for_ever(stage: Stage) -> None:
    show = stage.show()
    stage.expire(show)

    assert 0 < stage.stores.client.pttl(keys.expiring(lane_of(show, LANES), show)) <= 60_000
