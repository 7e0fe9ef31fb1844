"""Taken seats in Redis: they are refused at admission until they are free, and unused if they may be outdated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from core.bookings import Reason, Status
from core.errors import PostgresUnavailable
from core.taken_seats import FREE, SOLD, packed, until_s
from db.kv import keys, scripts
from db.kv.scripts import Script
from db.postgres import seats
from proof.kit.taken_seats import known_version, untrue
from proof.kit.waiting import until
from tests.conftest import LANES
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage
from workers.batch import run_batch
from workers.publish import publish


@pytest.fixture(autouse=True)
def assert_true_taken_seats(stage: Stage) -> Iterator[None]:
    """Assert after each test that Redis claims no taken seats that differ from Postgres."""
    yield
    assert untrue(stage.stores.client, stage.stores.engine, LANES) == []


def contested(stage: Stage, alice: Buyer, bob: Buyer, **show: int) -> int:
    """Return a show where alice has A1, bob's booking of it failed, and the next batch published the taken seats."""
    id_ = stage.show(**show)
    for buyer, seat in ((alice, "A1"), (bob, "A1"), (bob, "A2")):
        answered(buyer.book(id_, seat), 202)
        stage.drain()
    return id_


def test_an_uncontested_show_has_no_taken_seats_in_redis(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    for buyer, seat in ((alice, "A1"), (bob, "A2")):
        buyer.book(show, seat)
        stage.drain()

    assert stage.stores.client.exists(keys.taken(show % LANES, show)) == 0


def test_a_refusal_names_the_taken_seats_and_writes_nothing(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob)
    before = sorted(stage.stores.client.keys())

    problem = refused(bob.book(show, "B1", "A2", "A1", key="k"), 409, "seat_taken")

    assert problem["seats"] == ["A1", "A2"]
    assert sorted(stage.stores.client.keys()) == before
    answered(bob.book(show, "B1", key="k"), 202)  # nothing was written, so the key is free


def test_each_batch_publishes_its_changes(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob)
    held = answered(alice.book(show, "B1", hold=True), 202)["id"]
    sold = answered(alice.book(show, "B2", "B3"), 202)["id"]
    stage.drain()
    for seat in ("B1", "B2", "B3"):
        refused(bob.book(show, seat), 409, "seat_taken")

    alice.confirm(held)
    alice.cancel(sold)
    stage.drain()

    refused(bob.book(show, "B1"), 409, "seat_taken")
    assert known_version(stage.stores.client, show, LANES) is not None
    won = answered(bob.book(show, "B2", "B3"), 202)["id"]
    stage.drain()
    assert answered(bob.get(won), 200)["status"] == "CONFIRMED"


def test_a_held_seat_is_free_as_soon_as_its_hold_ends(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob, hold_ms=2_500)
    held = answered(alice.book(show, "B1", hold=True), 202)["id"]
    stage.drain()
    ends_ms = stage.booking(UUID(held)).expires_ms or 0
    refused(bob.book(show, "B1"), 409, "seat_taken")

    until(lambda: time.time() * 1000 >= ends_ms)

    won = answered(bob.book(show, "B1"), 202)["id"]
    stage.drain()
    assert answered(bob.get(won), 200)["status"] == "CONFIRMED"


def test_a_repeated_key_gets_its_outcome(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    alice.book(show, "A1", key="won")
    bob.book(show, "A1", key="lost")
    stage.drain()
    bob.book(show, "A2")
    stage.drain()
    refused(bob.book(show, "A1", key="new"), 409, "seat_taken")

    assert answered(alice.book(show, "A1", key="won"), 200)["status"] == "CONFIRMED"
    assert answered(bob.book(show, "A1", key="lost"), 200)["reason"] == "SEAT_TAKEN"


def test_a_repeated_key_gets_its_outcome_also_if_it_has_left_redis(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    won = answered(alice.book(show, "A1", key="won"), 202)["id"]
    bob.book(show, "A1")
    stage.drain()
    bob.book(show, "A2")
    stage.drain()
    client = stage.stores.client
    client.delete(keys.status(show % LANES, UUID(won)))
    client.hset(keys.card(show % LANES, show), "forgets_at", 0)

    assert answered(alice.book(show, "A1", key="won"), 200)["status"] == "CONFIRMED"
    assert refused(bob.book(show, "A1", key="new"), 409, "seat_taken")["seats"] == ["A1"]


@pytest.mark.rule(number=11)
def test_after_a_batch_that_was_never_published_no_taken_seats_are_used(
    stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    show = contested(stage, alice, bob)
    kept = answered(alice.book(show, "B1"), 202)["id"]
    assert run_batch(stage.stores, show % LANES, 500) is not None  # committed, and then its worker was killed
    stage.drain()
    assert answered(alice.get(kept), 200)["status"] == "CONFIRMED"

    assert known_version(stage.stores.client, show, LANES) is None
    lost = answered(bob.book(show, "A1"), 202)["id"]
    stage.drain()
    assert answered(bob.get(lost), 200)["reason"] == "SEAT_TAKEN"
    bob.book(show, "B2")
    stage.drain()
    refused(bob.book(show, "B1"), 409, "seat_taken")


@pytest.mark.without_rule(number=11)
def test_without_that_rule_redis_claims_wrong_taken_seats(
    stage: Stage, alice: Buyer, bob: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above, and of `untrue`."""
    script = scripts.FINISH.source
    rule = "(known ~= new.v and known ~= new.before) or "
    assert rule in script
    careless = script.replace(rule, "")
    monkeypatch.setattr(scripts, "FINISH", Script(careless, stage.stores.client.script_load(careless)))
    show = contested(stage, alice, bob)
    alice.book(show, "B1")
    assert run_batch(stage.stores, show % LANES, 500) is not None
    alice.book(show, "B2")
    stage.drain()

    assert untrue(stage.stores.client, stage.stores.engine, LANES) != []
    stage.stores.client.flushdb()


def test_a_drain_that_publishes_late_makes_no_free_seat_taken(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob)
    booked = answered(alice.book(show, "B1"), 202)["id"]
    zombie = run_batch(stage.stores, show % LANES, 500)
    assert zombie is not None
    stage.drain()
    alice.cancel(booked)
    stage.drain()

    publish(stage.stores, zombie, "zombie", None)

    won = answered(bob.book(show, "B1"), 202)["id"]
    stage.drain()
    assert stage.booking(UUID(won)).status is Status.CONFIRMED


def test_a_wiped_redis_knows_no_taken_seats(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob)
    stage.stores.client.flushdb()

    lost = answered(bob.book(show, "A1"), 202)["id"]
    stage.drain()

    assert stage.booking(UUID(lost)).reason is Reason.SEAT_TAKEN


def test_taken_seats_that_have_left_redis_are_published_again(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob)
    key = keys.taken(show % LANES, show)
    assert 0 < stage.stores.client.pttl(key) <= 60_000
    stage.stores.client.delete(key)

    for seat in ("A1", "A2"):
        answered(bob.book(show, seat), 202)
        stage.drain()

    refused(bob.book(show, "A1"), 409, "seat_taken")


def test_a_lane_continues_if_taken_seats_cannot_be_read(
    stage: Stage, alice: Buyer, bob: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(*_: object) -> None:
        raise PostgresUnavailable("canceling statement due to statement timeout")

    show = contested(stage, alice, bob)
    stage.stores.contested.add(show)
    monkeypatch.setattr(seats, "taken", too_slow)
    booked = answered(alice.book(show, "B1"), 202)["id"]

    assert [stage.drain(), stage.drain()] == [0, 0]
    stage.stores.client.delete(keys.lease(show % LANES))  # it lapses: that is the back-off
    stage.drain()

    assert answered(alice.get(booked), 200)["status"] == "CONFIRMED"


def test_thousands_of_seats_of_one_batch_are_published(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = contested(stage, alice, bob, rows=26, seats=100, seats_per_user=3_000)
    for row in "BCDEFGHIJKLM":
        for first in range(1, 101, 10):
            stage.book(show, *(f"{row}{number}" for number in range(first, first + 10)))
    stage.drain()

    assert known_version(stage.stores.client, show, LANES) is not None
    refused(bob.book(show, "M100"), 409, "seat_taken")


def test_each_seat_is_packed_as_32_bits() -> None:
    assert packed(3, {1: SOLD}) == b"\0\0\0\0\xff\xff\xff\xff\0\0\0\0"
    assert (until_s(None), until_s(1_999), FREE) == (SOLD, 1, 0)
