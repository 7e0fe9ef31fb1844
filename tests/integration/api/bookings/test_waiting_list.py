"""The waiting list over HTTP: joining it, the place in it, offers, leaving it."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from api.bookings import waiting_places
from core.ids import lane_of
from db.kv import keys
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage


@pytest.fixture
def sold_out(stage: Stage, alice: Buyer) -> tuple[int, str]:
    """A show with one row of two seats, both sold to Alice in one booking, and that booking."""
    show = stage.show(rows=1, seats=2)
    id_ = alice.book(show, "A1", "A2").get_json()["id"]
    stage.drain()
    return show, id_


@pytest.fixture
def always_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every answer read the list, so that a test need not wait a second."""
    monkeypatch.setattr(waiting_places, "FRESH_S", 0.0)


def wait_for(buyer: Buyer, stage: Stage, show: int, *seats: str, key: str | None = None) -> str:
    more = {} if seats else {"quantity": 1}
    queued = answered(buyer.book(show, *seats, key=key, waiting_list=True, **more), 202)
    stage.drain()
    return str(queued["id"])


@pytest.mark.usefixtures("always_read")
def test_a_request_at_a_sold_out_show_waits_and_sees_its_place(
    stage: Stage, alice: Buyer, bob: Buyer, sold_out: tuple[int, str]
) -> None:
    show, sold = sold_out
    refused(bob.book(show, quantity=1), 409, "sold_out")

    ids = [wait_for(bob, stage, show), wait_for(bob, stage, show, "A1")]

    seen = [answered(bob.get(id_), 200) for id_ in ids]
    assert [(one["status"], one["stage"], one["reason"]) for one in seen] == [("PENDING", "WAITING", None)] * 2
    assert [one["waiting_position"] for one in seen] == [one["waiting_number"] for one in seen] == [1, 2]
    assert [(one["seats"], one["expires_at"], one["position"]) for one in seen] == [([], None, None)] * 2
    assert stage.counters(show) == (0, 2)

    answered(bob.cancel(ids[0]), 202)
    stage.drain()
    assert answered(bob.get(ids[0]), 200)["status"] == "CANCELLED"
    moved_up = answered(bob.get(ids[1]), 200)
    assert (moved_up["waiting_position"], moved_up["waiting_number"]) == (1, 2)

    answered(alice.cancel(sold), 202)
    stage.drain()
    offered = answered(bob.get(ids[1]), 200)
    assert (offered["status"], offered["stage"], offered["seats"]) == ("PENDING", "HELD", ["A1"])
    assert (offered["waiting_position"], offered["last_operation"]["outcome"]) == (None, "OFFERED")
    answered(bob.confirm(ids[1]), 202)
    stage.drain()
    assert answered(bob.get(ids[1]), 200)["status"] == "CONFIRMED"
    stage.proven()


def test_a_named_seat_that_is_taken_is_waited_for_though_redis_knows_it_is_taken(
    stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    show = stage.show()
    alice.book(show, "A1")
    for _ in range(2):  # the first is refused in the lane, and then all taken seats are read
        stage.drain()
        bob.book(show, "A1")
    stage.drain()
    refused(bob.book(show, "A1"), 409, "seat_taken")

    id_ = wait_for(bob, stage, show, "A1")

    assert answered(bob.get(id_), 200)["stage"] == "WAITING"
    stage.proven()


@pytest.mark.usefixtures("sold_out")
def test_a_repeated_key_finds_the_waiting_booking(stage: Stage, bob: Buyer, sold_out: tuple[int, str]) -> None:
    show, _ = sold_out
    id_ = wait_for(bob, stage, show, "A1", key="once")

    again = answered(bob.book(show, "A1", key="once", waiting_list=True), 200)

    assert (again["id"], again["stage"], again["waiting_position"]) == (id_, "WAITING", 1)
    refused(bob.book(show, "A1", key="once"), 422, "idempotency_key_reused")


def test_a_place_is_read_once_a_second_and_followed_by_postgres(
    stage: Stage, bob: Buyer, alice: Buyer, sold_out: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, _ = sold_out
    monkeypatch.setattr(waiting_places, "FRESH_S", 3600.0)
    first = wait_for(bob, stage, show)
    tag = bob.get(first).headers["ETag"]
    second = wait_for(alice, stage, show)

    assert answered(alice.get(second), 200)["waiting_position"] == 2  # behind all that were read
    assert bob.get(first, **{"If-None-Match": tag}).status_code == 304
    bob.cancel(first)
    stage.drain()
    assert answered(alice.get(second), 200)["waiting_position"] == 2
    monkeypatch.setattr(waiting_places, "FRESH_S", 0.0)
    assert answered(alice.get(second), 200)["waiting_position"] == 1


@pytest.mark.usefixtures("always_read")
def test_a_status_that_missed_the_offer_is_read_from_postgres(
    stage: Stage, alice: Buyer, bob: Buyer, sold_out: tuple[int, str]
) -> None:
    """As after a failover to a replica of Redis that lacks the last publications."""
    show, sold = sold_out
    id_ = wait_for(bob, stage, show, "A1")
    key = keys.status(lane_of(show, stage.stores.settings.lanes), UUID(id_))
    old = stage.stores.client.hgetall(key)
    alice.cancel(sold)
    stage.drain()

    stage.stores.client.delete(key)
    stage.stores.client.hset(key, mapping=old)

    assert answered(bob.get(id_), 200)["stage"] == "HELD"
    assert json.loads(stage.stores.client.hget(key, "b") or "")["stage"] == "HELD"


@pytest.mark.usefixtures("always_read")
def test_a_waiting_booking_that_left_redis_is_recalled(stage: Stage, bob: Buyer, sold_out: tuple[int, str]) -> None:
    show, _ = sold_out
    id_ = wait_for(bob, stage, show, "A1")
    stage.stores.client.flushdb()

    seen = answered(bob.get(id_), 200)

    assert (seen["stage"], seen["waiting_position"]) == ("WAITING", 1)
    answered(bob.cancel(id_), 202)
    stage.drain()
    assert answered(bob.get(id_), 200)["status"] == "CANCELLED"


def test_a_show_without_a_waiting_list_fails_the_request(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=1, seats=1, waiting_list_max=0)
    alice.book(show, "A1")

    id_ = wait_for(bob, stage, show, "A1")

    seen = answered(bob.get(id_), 200)
    assert (seen["status"], seen["reason"]) == ("FAILED", "WAITING_LIST_FULL")


def test_waiting_is_a_boolean(stage: Stage, bob: Buyer) -> None:
    body = refused(bob.book(stage.show(), "A1", waiting_list="yes"), 422, "invalid_request")
    assert [fault["pointer"] for fault in body["errors"]] == ["/waiting_list"]
