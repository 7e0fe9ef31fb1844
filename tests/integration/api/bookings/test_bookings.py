"""Bookings over HTTP on real stores; drains are run by hand, so that each state in between can be checked."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Literal
from uuid import UUID

import pytest
from flask import Flask

from api.bookings.long_poll import LongPolls, Wake
from api.bookings.service import BookingService
from core.errors import AcceptUnknown
from core.times import from_ms
from db.kv import keys
from proof.kit.waiting import until
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage


def test_a_booking_is_accepted_waits_in_line_and_is_confirmed(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    bob.book(show, "B1")

    response = alice.book(show, "A1", "A2")
    body = answered(response, 202)

    assert response.headers["Location"] == f"/api/bookings/{body['id']}"
    assert int(response.headers["Retry-After"]) >= 1
    assert (body["status"], body["stage"], body["position"]) == ("PENDING", "QUEUED", 2)
    assert answered(alice.get(body["id"]), 200)["position"] == 2
    stage.drain()

    body = answered(alice.get(body["id"]), 200)
    assert (body["status"], body["stage"], body["position"], body["amount_cents"]) == ("CONFIRMED", None, None, 2000)
    assert body["seats"] == ["A1", "A2"]


def test_the_position_counts_down(stage: Stage, alice: Buyer, bob: Buyer, app: Flask) -> None:
    stage.stores.settings = stage.stores.settings.__class__(
        **{name: getattr(stage.stores.settings, name) for name in stage.stores.settings.__slots__} | {"batch": 1}
    )
    show = stage.show()
    bob.book(show, "B1")
    bob.book(show, "B2")
    last = alice.book(show, "A1").get_json()
    assert last["position"] == 3

    stage.drain(show)

    seen = answered(alice.get(last["id"]), 200)
    assert seen["position"] == 2
    assert seen["eta_ms"] > 0


def test_a_repeated_key_is_the_same_booking_before_and_after_its_outcome(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    first = answered(alice.book(show, "A1", "A2", key="k"), 202)

    assert answered(alice.book(show, "A2", "A1", key='"k"'), 202)["id"] == first["id"]
    stage.drain()
    again = answered(alice.book(show, "A1", "A2", key="k"), 200)

    assert (again["id"], again["status"]) == (first["id"], "CONFIRMED")
    refused(alice.book(show, "A3", key="k"), 422, "idempotency_key_reused")
    refused(alice.book(show, "A1", "A2", key="k", hold=True), 422, "idempotency_key_reused")


def test_keys_are_per_user(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()

    assert alice.book(show, "A1", key="k").get_json()["id"] != bob.book(show, "A1", key="k").get_json()["id"]


def test_a_repeated_key_returns_its_outcome_after_redis_forgot_it_and_the_show_sold_out(
    stage: Stage, alice: Buyer, bob: Buyer
) -> None:
    show = stage.show(rows=1, seats=1)
    lost = answered(bob.book(show, quantity=1, key="k2", category="standard"), 202)
    bob.cancel(lost["id"])
    won = answered(alice.book(show, "A1", key="k"), 202)
    stage.drain()
    client = stage.stores.client
    client.delete(keys.status(show % 4, UUID(won["id"])), keys.status(show % 4, UUID(lost["id"])))
    client.hset(keys.card(show % 4, show), "forgets_at", "0")

    refused(alice.book(show, "A1", key="new"), 409, "sold_out")
    assert answered(alice.book(show, "A1", key="k"), 200)["status"] == "CONFIRMED"
    assert answered(bob.book(show, quantity=1, key="k2", category="standard"), 200)["status"] == "CANCELLED"
    refused(alice.book(show, quantity=1, key="k"), 422, "idempotency_key_reused")


def test_a_hold_is_confirmed(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", hold=True).get_json()["id"]
    stage.drain()
    held = answered(alice.get(id_), 200)
    assert (held["status"], held["stage"]) == ("PENDING", "HELD")
    assert held["expires_at"] == from_ms(stage.booking(UUID(id_)).expires_ms or 0).isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")

    waiting = answered(alice.confirm(id_), 202)
    assert waiting["pending_operation"]["kind"] == "CONFIRM"
    assert waiting["position"] == 1
    stage.drain()

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"
    assert answered(alice.confirm(id_), 200)["status"] == "CONFIRMED"


def test_a_late_confirm_is_refused_and_the_refusal_is_seen(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", hold=True).get_json()["id"]
    stage.drain()
    stage.let_holds_lapse(show)

    answered(alice.confirm(id_), 202)
    stage.drain()

    body = answered(alice.get(id_), 200)
    assert (body["status"], body["reason"]) == ("FAILED", "HOLD_EXPIRED")
    assert body["last_operation"]["outcome"] == "REFUSED"
    problem = refused(alice.confirm(id_), 409, "booking_final")
    assert (problem["booking_status"], problem["reason"]) == ("FAILED", "HOLD_EXPIRED")


def test_a_booking_is_cancelled_while_queued_held_or_confirmed(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    held = alice.book(show, "A1", hold=True).get_json()["id"]
    confirmed = alice.book(show, "A2").get_json()["id"]
    stage.drain()
    queued = alice.book(show, "A3").get_json()["id"]

    for id_ in (held, confirmed, queued):
        answered(alice.cancel(id_), 202)
    stage.drain()

    assert {answered(alice.get(id_), 200)["status"] for id_ in (held, confirmed, queued)} == {"CANCELLED"}
    assert answered(alice.cancel(held), 200)["status"] == "CANCELLED"
    refused(alice.confirm(held), 409, "booking_final")
    for seat in ("A1", "A2", "A3"):
        answered(bob.book(show, seat), 202)


def test_a_status_that_left_redis_is_answered_from_postgres_and_put_back(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]
    stage.drain()
    before = answered(alice.get(id_), 200)
    stage.stores.client.delete(keys.status(show % 4, UUID(id_)))

    assert answered(alice.get(id_), 200) == before
    assert stage.status(UUID(id_))["status"] == "CONFIRMED"


def test_an_outcome_that_was_not_published_is_found_in_postgres(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]
    with monkeypatch.context() as patch:
        patch.setattr("workers.drain.publish", lambda *_: True)
        stage.drain()
    assert answered(alice.get(id_), 200)["stage"] == "QUEUED"

    stage.stores.client.hset(keys.meter(show % 4), "served", "1")

    assert answered(alice.get(id_), 200)["status"] == "CONFIRMED"


def test_an_unknown_parameter_changes_no_status(stage: Stage, alice: Buyer) -> None:
    id_ = alice.book(stage.show(), "A1").get_json()["id"]

    assert answered(alice.get(id_, "?_=1&_=2&fbclid=x"), 200)["id"] == id_
    assert answered(alice.get(id_, "?utm_source=x&wait=0"), 200)["id"] == id_
    for query in ("?wait=x&_=1", "?wait=0&wait=0"):
        assert refused(alice.get(id_, query), 422, "invalid_request")["errors"][0]["parameter"] == "wait"


def test_an_unchanged_status_is_304(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]
    queued = alice.get(id_).headers["ETag"]
    assert alice.get(id_, **{"If-None-Match": queued}).status_code == 304
    stage.drain()

    response = alice.get(id_, **{"If-None-Match": queued})

    assert response.status_code == 200
    assert alice.get(id_, **{"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_a_waiting_status_answers_when_it_is_decided(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]
    seen: list[dict[str, Any]] = []
    waiter = threading.Thread(target=lambda: seen.append(alice.get(id_, "?wait=20").get_json()))
    waiter.start()
    until(lambda: stage.stores.client.pubsub_numsub(keys.DECIDED)[0][1])

    stage.drain()
    waiter.join(15)

    assert [one["status"] for one in seen] == ["CONFIRMED"]
    assert answered(alice.get(id_, "?wait=20"), 200)["status"] == "CONFIRMED"


def test_without_a_free_slot_the_answer_is_immediate(
    stage: Stage, alice: Buyer, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = alice.book(stage.show(), "A1").get_json()["id"]
    monkeypatch.setattr(app.extensions["onsale"].service._long_polls, "_slots", 0)

    assert answered(alice.get(id_, "?wait=20"), 200)["stage"] == "QUEUED"


def test_a_show_nobody_has_booked_yet_gets_its_card_from_postgres_once(stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    stage.stores.client.delete(keys.card(show % 4, show))

    answered(alice.book(show, "A1"), 202)

    assert stage.stores.client.exists(keys.card(show % 4, show))


def test_an_accept_whose_reply_was_lost_names_the_booking(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    alice.book(show, "B1")
    send = BookingService._send

    async def send_and_lose(self: BookingService, *arguments: Any) -> Any:
        await send(self, *arguments)
        raise AcceptUnknown

    with monkeypatch.context() as patch:
        patch.setattr(BookingService, "_send", send_and_lose)
        response = alice.book(show, "A1", key="k")
    body = refused(response, 503, "accept_unknown")

    assert response.headers["Location"] == f"/api/bookings/{body['id']}"
    assert answered(alice.book(show, "A1", key="k"), 202)["id"] == body["id"]


def test_an_outcome_published_just_before_the_wait_begins_is_not_missed(
    stage: Stage, alice: Buyer, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1").get_json()["id"]

    class Impatient(asyncio.Event):
        async def wait(self) -> Literal[True]:
            raise AssertionError("it waited for an outcome that was already published")

    take_slot = LongPolls.take_slot

    def decided_first(self: LongPolls, booking_id: UUID, wake: Wake) -> bool:
        stage.drain()
        return take_slot(self, booking_id, wake)

    monkeypatch.setattr(LongPolls, "take_slot", decided_first)
    monkeypatch.setattr("api.bookings.service.asyncio.Event", Impatient)

    assert answered(alice.get(id_, "?wait=20"), 200)["status"] == "CONFIRMED"
