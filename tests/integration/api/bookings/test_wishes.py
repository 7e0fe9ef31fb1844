"""Ranked wishes, expected amounts and seats together, over HTTP on real stores."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from db.kv import keys
from tests.conftest import LANES
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage


def outcome(stage: Stage, buyer: Buyer, show: int, **asked: Any) -> dict[str, Any]:
    """Book, drain, and return the status."""
    id_ = answered(buyer.post({"show_id": show, **asked}), 202)["id"]
    stage.drain()
    return answered(buyer.get(id_), 200)


def test_the_status_says_which_wish_was_granted_and_whether_the_seats_are_apart(
    stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    show = stage.show(rows=1, seats=5, premium=1)
    assert outcome(stage, bob, show, seats=["A2", "A4"])["apart"] is True

    wishes = [{"seats": ["A1", "A2"]}, {"quantity": 2, "together": True}, {"quantity": 2, "min_price_cents": 1_500}]
    got = outcome(stage, alice, show, wishes=wishes)

    assert (got["status"], got["wish"], got["apart"], got["amount_cents"]) == ("CONFIRMED", 2, True, 3_000)
    assert set(got["seats"]) <= {"A1", "A3", "A5"}
    failed = outcome(stage, bob, show, wishes=[{"quantity": 2}, {"seats": ["A2"]}])
    assert (failed["reason"], failed["wish"], failed["apart"]) == ("SEAT_TAKEN", None, None)
    stage.proven()


def test_a_price_that_has_changed_is_refused_and_not_charged(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    stage.change(show, prices={"standard": 1_100, "premium": 1_500})

    for asked in (
        {"seats": ["A1"], "expected_amount_cents": 1_000},
        {"wishes": [{"quantity": 2, "expected_amount_cents": 2_000}, {"quantity": 1}]},
        {"wishes": [{"quantity": 2}], "expected_amount_cents": 2_000},
    ):
        failed = outcome(stage, alice, show, **asked)
        assert (failed["status"], failed["reason"], failed["amount_cents"]) == ("FAILED", "PRICE_CHANGED", 0)
    assert outcome(stage, alice, show, quantity=2, expected_amount_cents=2_200)["amount_cents"] == 2_200
    assert stage.counters(show) == (0, 2)
    stage.proven()


def test_only_what_no_wish_can_get_is_refused_at_once(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(seats_per_user=2)
    for buyer, seat in ((alice, "A1"), (bob, "A1"), (bob, "A2")):  # then Redis knows the taken seats
        outcome(stage, buyer, show, seats=[seat])
    assert stage.stores.client.exists(keys.taken(show % LANES, show))

    problem = refused(bob.post({"show_id": show, "wishes": [{"seats": ["A1", "A3"]}]}), 409, "seat_taken")
    granted = outcome(stage, bob, show, wishes=[{"seats": ["A1"]}, {"quantity": 1}])

    assert problem["seats"] == ["A1"]
    assert (granted["status"], granted["wish"]) == ("CONFIRMED", 1)
    assert outcome(stage, bob, show, wishes=[{"quantity": 3}, {"quantity": 1}])["reason"] == "LIMIT_REACHED"
    refused(bob.post({"show_id": show, "wishes": [{"quantity": 3}, {"quantity": 1}]}), 409, "limit_reached")


def test_a_key_repeated_with_other_wishes_is_another_request(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    asked = {"show_id": show, "wishes": [{"quantity": 2}, {"seats": ["A2", "A1"]}]}
    first = answered(alice.post(asked, "k"), 202)["id"]

    same = {"show_id": show, "wishes": [{"quantity": 2}, {"seats": ["A1", "A2"]}]}
    assert answered(alice.post(same, "k"), 202)["id"] == first
    for other in (
        {"show_id": show, "quantity": 2},
        {"show_id": show, "wishes": [{"quantity": 2}]},
        {**asked, "expected_amount_cents": 2_000},
    ):
        refused(alice.post(other, "k"), 422, "idempotency_key_reused")


def test_wishes_that_wait_get_the_seats_that_are_given_back(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show(rows=1, seats=2)
    sold = outcome(stage, bob, show, seats=["A1", "A2"])["id"]
    stage.publish_card(show)
    id_ = answered(
        alice.post({"show_id": show, "wishes": [{"seats": ["A1"]}, {"quantity": 1}], "waiting_list": True}), 202
    )["id"]
    stage.drain()
    assert answered(alice.get(id_), 200)["stage"] == "WAITING"

    answered(bob.release(sold, "A2"), 202)
    stage.drain()

    offered = answered(alice.get(id_), 200)
    assert (offered["stage"], offered["seats"], offered["wish"]) == ("HELD", ["A2"], 1)
    assert stage.booking(UUID(id_)).seat_prices_cents == (1_000,)
    stage.proven()
