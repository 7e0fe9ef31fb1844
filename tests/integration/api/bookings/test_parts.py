"""Extending holds and giving back some of a booking's seats, over HTTP on real stores."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.times import to_ms
from proof.kit.taken_seats import known_version, untrue
from tests.conftest import LANES
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage


def test_a_hold_is_extended_once_and_its_time_left_is_shown(stage: Stage, alice: Buyer) -> None:
    show = stage.show(hold_extension_ms=60_000)
    id_ = alice.book(show, "A1", hold=True).get_json()["id"]
    stage.drain()
    held = answered(alice.get(id_), 200)
    assert 100_000 < held["expires_in_ms"] <= 120_000

    waiting = answered(alice.extend(id_), 202)
    assert (waiting["pending_operation"]["kind"], waiting["expires_in_ms"] > 0) == ("EXTEND", True)
    assert answered(alice.extend(id_), 202)["pending_operation"] == waiting["pending_operation"]
    stage.drain()

    extended = answered(alice.get(id_), 200)
    assert deadline_ms(extended) == deadline_ms(held) + 60_000
    assert 160_000 < extended["expires_in_ms"] <= 180_000
    assert (extended["extended"], extended["last_operation"]["outcome"]) == (True, "EXTENDED")
    answered(alice.extend(id_), 202)
    stage.drain()
    again = answered(alice.get(id_), 200)
    assert (again["expires_at"], again["last_operation"]["outcome"]) == (extended["expires_at"], "UNCHANGED")
    answered(alice.confirm(id_), 202)
    stage.drain()
    assert answered(alice.get(id_), 200)["expires_in_ms"] is None
    assert refused(alice.extend(id_), 409, "booking_final")["booking_status"] == "CONFIRMED"
    stage.proven()


def test_the_taken_seats_in_redis_follow_extensions_and_releases(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(hold_extension_ms=60_000)
    held = alice.book(show, "A1", "B1", hold=True).get_json()["id"]
    for seat in ("A1", "A2"):  # the first is refused in the lane, and then all taken seats are read
        stage.drain()
        bob.book(show, seat)
    stage.drain()
    assert refused(bob.book(show, "A1", "B1"), 409, "seat_taken")["seats"] == ["A1", "B1"]

    for change in (alice.extend(held), alice.release(held, "B1")):
        answered(change, 202)
    stage.drain()

    assert known_version(stage.stores.client, show, LANES) is not None
    assert untrue(stage.stores.client, stage.stores.engine, LANES) == []
    assert refused(bob.book(show, "A1", "B1"), 409, "seat_taken")["seats"] == ["A1"]
    stage.proven()


def test_some_seats_are_given_back_and_another_person_buys_them(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", "A2", "A3").get_json()["id"]
    stage.drain()

    waiting = answered(alice.release(id_, "A3", "A1"), 202)
    assert waiting["pending_operation"]["kind"] == "RELEASE"
    stage.drain()

    left = answered(alice.get(id_), 200)
    assert (left["status"], left["seats"], left["amount_cents"]) == ("CONFIRMED", ["A2"], 1000)
    assert (left["released"], left["last_operation"]["outcome"]) == (["A1", "A3"], "RELEASED")
    bought = bob.book(show, "A1", "A3").get_json()["id"]
    stage.drain()
    assert answered(bob.get(bought), 200)["status"] == "CONFIRMED"
    assert stage.counters(show) == (0, 3)
    answered(alice.release(id_, "A1"), 202)  # again: its seat is another's now
    stage.drain()
    assert answered(alice.get(id_), 200)["last_operation"]["outcome"] == "UNCHANGED"
    assert stage.seats(show)["A1"] == ("SOLD", UUID(bought))
    stage.proven()


def test_two_releases_of_other_seats_wait_at_once_and_a_repetition_is_found(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", "A2", "A3")
    stage.drain()

    first, again, second = (stage.release(booking, seat) for seat in ("A1", "A1", "A2"))

    assert [reply.code for reply in (first, again, second)] == ["ACCEPTED", "SAME", "ACCEPTED"]
    stage.drain()
    assert stage.booking(booking).seats == ("A3",)
    assert "RELEASE" not in stage.release(booking, "A3").status or stage.drain()
    stage.drain()
    assert stage.status(booking)["status"] == "CANCELLED"
    stage.proven()


def test_giving_back_all_seats_cancels_and_is_repeated_safely(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", "A2", hold=True).get_json()["id"]
    stage.drain()

    answered(alice.release(id_, "A1", "A2"), 202)
    stage.drain()

    assert answered(alice.release(id_, "A1", "A2"), 200)["status"] == "CANCELLED"
    assert stage.counters(show) == (0, 0)
    stage.proven()


def test_a_queued_booking_releases_nothing_and_says_so(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", "A2").get_json()["id"]

    refused(alice.release(id_, "A1"), 409, "booking_queued")
    stage.drain()

    assert answered(alice.get(id_), 200)["seats"] == ["A1", "A2"]


def test_released_seats_end_the_refusals_by_the_limit(stage: Stage) -> None:
    show = stage.show(seats_per_user=2)
    booking = stage.book(show, "A1", "A2")
    stage.book(show, "A3")
    stage.drain()
    assert stage.accept(stage.operation(show, "A3")).code == "LIMIT_REACHED"

    stage.release(booking, "A1")

    assert stage.accept(stage.operation(show, "A3")).code == "ACCEPTED"
    stage.drain()
    assert stage.counters(show) == (0, 2)


def test_the_price_of_released_seats_is_that_of_their_purchase(stage: Stage, alice: Buyer) -> None:
    show = stage.show(premium=1)
    id_ = alice.book(show, "A1", "B1", "B2").get_json()["id"]
    stage.drain()
    stage.change(show, prices={"standard": 70, "premium": 5_000})

    answered(alice.release(id_, "A1"), 202)
    stage.drain()

    assert answered(alice.get(id_), 200)["amount_cents"] == 2_000
    stage.proven()


def deadline_ms(body: dict[str, str]) -> int:
    return to_ms(datetime.fromisoformat(body["expires_at"]))
