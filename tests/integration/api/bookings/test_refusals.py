"""Bad input and refusals over HTTP: each gets one clear answer, and nothing is accepted."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from core import ids
from core.times import iso
from db.kv import keys
from tests.support.buyer import Buyer, answered, refused
from tests.support.stage import Stage


def test_bookings_of_others_are_not_found(stage: Stage, alice: Buyer, bob: Buyer) -> None:
    show = stage.show()
    id_ = alice.book(show, "A1", hold=True).get_json()["id"]
    for _ in range(3):  # queued, decided, and gone from Redis
        for answer in (bob.get(id_), bob.confirm(id_), bob.cancel(id_), bob.get(str(uuid4()))):
            refused(answer, 404, "no_such_booking")
        stage.drain()
        if stage.status(UUID(id_)):
            stage.stores.client.delete(keys.status(show % 4, UUID(id_)))
    reference = ids.reference(UUID(id_))
    refused(bob.get(f"reference/{reference}"), 404, "no_such_booking")
    assert answered(alice.get(f"reference/{reference.lower()}"), 200)["id"] == id_


def test_a_reference_is_found_however_it_is_written(stage: Stage, alice: Buyer) -> None:
    booked = (alice.book(stage.show(), "A1").get_json() for _ in range(40))
    misread = str.maketrans("01", "oL")
    # Half of all codes have a digit that people read as a letter.
    wanted = next(body for body in booked if {"0", "1"} & set(body["reference"].partition("-")[2]))
    stage.drain()

    for written in (
        wanted["reference"].translate(misread).lower(),
        wanted["reference"].replace("-", "%20"),
        wanted["reference"].replace("-", ""),
        "%20".join(wanted["reference"]),
    ):
        assert answered(alice.get(f"reference/{written}"), 200)["id"] == wanted["id"]


def test_an_invalid_reference_calls_no_store(stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_engine: Any) -> Any:
        raise AssertionError("a transaction was opened")

    monkeypatch.setattr("api.bookings.routes.transaction", asked)

    for written in ("A" * 64_000, "1" * 65, "ABCD", "1-ABCDE-ABCDU"):
        refused(alice.get(f"reference/{written}"), 404, "no_such_booking")


BAD_BODIES: list[tuple[Any, str]] = [
    ({"seats": ["A1"]}, "/show_id"),
    ({"show_id": "1", "seats": ["A1"]}, "/show_id"),
    ({"show_id": 1.0, "seats": ["A1"]}, "/show_id"),
    ({"show_id": True, "seats": ["A1"]}, "/show_id"),
    ({"show_id": 0, "seats": ["A1"]}, "/show_id"),
    ({"show_id": 1 << 31, "seats": ["A1"]}, "/show_id"),
    ({"show_id": 1}, ""),
    ({"show_id": 1, "seats": []}, "/seats"),
    ({"show_id": 1, "seats": "A1"}, "/seats"),
    ({"show_id": 1, "seats": ["A1", "A1"]}, "/seats/1"),
    ({"show_id": 1, "seats": ["a1"]}, "/seats/0"),
    ({"show_id": 1, "seats": ["A1\0"]}, "/seats/0"),
    ({"show_id": 1, "seats": [f"A{n}" for n in range(1, 12)]}, "/seats"),
    ({"show_id": 1, "seats": ["Z9"]}, "/seats/0"),
    ({"show_id": 1, "seats": ["A1"], "quantity": 1}, ""),
    ({"show_id": 1, "quantity": 0}, "/quantity"),
    ({"show_id": 1, "quantity": 11}, "/quantity"),
    ({"show_id": 1, "quantity": 1, "category": "royal"}, "/category"),
    ({"show_id": 1, "seats": ["A1"], "hold": "yes"}, "/hold"),
    ({"show_id": 1, "seats": ["A1"], "user_id": "me"}, "/user_id"),
    ([], ""),
    ("text", ""),
]


@pytest.mark.parametrize(("body", "pointer"), BAD_BODIES)
def test_bad_input_is_one_clear_answer_and_accepts_nothing(
    stage: Stage, alice: Buyer, body: Any, pointer: str
) -> None:
    show = stage.show()
    assert show == 1

    problem = refused(alice.post(body), 422, "invalid_request")

    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert stage.drain() == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_a_bad_key_is_refused(stage: Stage, alice: Buyer, key: str) -> None:
    refused(alice.book(stage.show(), "A1", key=key), 422, "bad_idempotency_key")


def test_bodies_that_are_too_large_or_not_json(stage: Stage, alice: Buyer, client: FlaskClient) -> None:
    headers = alice.headers | {"Content-Type": "application/json"}
    large = json.dumps({"show_id": 1, "seats": ["A1"], "x": "y" * 1_000_000})

    refused(client.post("/api/bookings", data=large, headers=headers), 413, "body_too_large")
    refused(client.post("/api/bookings", data="{", headers=headers), 400, "not_json")
    refused(client.post("/api/bookings", data=b"\xff\0", headers=headers), 400, "not_json")
    refused(client.post("/api/bookings", data="x=1", headers=alice.headers), 415, "unsupported_media_type")


def test_without_a_token_or_a_show(stage: Stage, alice: Buyer, client: FlaskClient) -> None:
    refused(client.post("/api/bookings", json={"show_id": 1, "seats": ["A1"]}), 401, "token_missing")
    refused(alice.book(777, "A1"), 404, "no_such_show")
    refused(alice.book(777, "A1"), 404, "no_such_show")


def test_refusals_by_the_show_card(stage: Stage, alice: Buyer) -> None:
    show = stage.show(rows=1, seats=1)
    alice.book(show, "A1")
    stage.drain()
    assert refused(alice.book(show, "A1"), 409, "sold_out")["status"] == 409
    stage.change(show, state="PAUSED")
    stage.drain()

    refused(alice.book(show, "A1"), 409, "show_paused")
    refused(alice.book(stage.show(sales_close_ms=1, starts_ms=1), "A1"), 409, "show_closed")


@pytest.mark.parametrize(
    ("in_s", "least", "most"), [(20, 1, 20), (7_200, 7_180, 7_200), (400 * 86_400, 86_400, 86_400)]
)
def test_a_show_that_is_not_open_says_when_it_is(
    stage: Stage, alice: Buyer, in_s: int, least: int, most: int
) -> None:
    opens_ms = int(time.time() + in_s) * 1000
    show = stage.show(sales_open_ms=opens_ms, sales_close_ms=opens_ms + 1, starts_ms=opens_ms + 1)

    response = alice.book(show, "A1")

    body = refused(response, 409, "show_not_open")
    assert body["opens_at"] == iso(opens_ms)
    assert least <= int(response.headers["Retry-After"]) <= most


def test_a_card_long_unconfirmed_still_has_the_opening_time(stage: Stage, alice: Buyer) -> None:
    opens_ms = int(time.time() + 3_600) * 1000
    show = stage.show(sales_open_ms=opens_ms, sales_close_ms=opens_ms + 1, starts_ms=opens_ms + 1)
    stage.stores.client.hdel(keys.card(show % 4, show), "checked")

    assert refused(alice.book(show, "A1"), 409, "show_not_open")["opens_at"] == iso(opens_ms)
