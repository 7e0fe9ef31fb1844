"""The hot path answers as Flask would: status, headers and body, whatever the request looks like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from api.plain import booking_of, headers_of, length_of
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from api.app import create_app, in_front_of
from api.schemas import BOOKING_REQUEST
from api.stores import open_stores
from core import ids
from core.settings import Settings
from db import keys
from tests.buyer import Buyer
from tests.rsgi import Answer, Server
from tests.stage import Stage
from tests.waiting import PATIENCE_S, until

JSON = "application/json"


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    running = Server(in_front_of(app, app.extensions["onsale"].settings))
    yield running
    running.stop()


def post(server: Server, buyer: Buyer, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": JSON, "Content-Length": str(len(data)), **buyer.headers, **headers}
    return server.ask("POST", "/api/bookings", given, data)


def without(headers: dict[str, str]) -> dict[str, str]:
    """Headers that must be equal: all but the request's id, how many are left, and the length, which is checked."""
    skipped = ("x-request-id", "ratelimit", "content-length")
    return {name: value for name, value in headers.items() if name not in skipped}


def test_a_booking_is_accepted_and_shown_without_flask(
    server: Server, stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    post(
        server, alice, {"show_id": show, "seats": ["B1"]}
    )  # what the process learns of the show, it learns by Flask's way
    monkeypatch.setattr(server.app, "_flask", None)
    monkeypatch.setattr(server.app, "_in_thread", None)

    accepted = post(server, alice, {"show_id": show, "seats": ["A1", "A2"]}, **{"Idempotency-Key": "k"})
    again = post(server, alice, {"show_id": show, "seats": ["A2", "A1"]}, **{"Idempotency-Key": '"k"'})
    other = post(server, alice, {"show_id": show, "seats": ["A3"]}, **{"Idempotency-Key": "k"})
    queued = server.ask("GET", accepted.headers["location"], alice.headers)
    stage.drain(show)
    decided = server.ask("GET", accepted.headers["location"], alice.headers)
    same = server.ask(
        "GET", accepted.headers["location"], {**alice.headers, "If-None-Match": decided.headers["etag"]}
    )

    assert (accepted.status, again.status, other.status) == (202, 202, 422)
    assert accepted.json["id"] == again.json["id"] == queued.json["id"]
    assert (queued.json["stage"], queued.json["position"]) == ("QUEUED", 2)
    assert (decided.json["status"], decided.json["seats"]) == ("CONFIRMED", ["A1", "A2"])
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", decided.headers["etag"])
    assert int(accepted.headers["content-length"]) == len(accepted.body)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"seats": ["A1"]}, {}),
        ({"quantity": 2}, {"Idempotency-Key": "a"}),
        ({"quantity": 2, "category": "standard"}, {}),
        ({"seats": ["A1"], "hold": True}, {"X-Request-Id": "mine-1"}),
        ({"seats": ["Z9"]}, {}),
        ({"seats": ["A1", "A1"]}, {}),
        ({"seats": ["A1"], "price": 1}, {}),
        ({"seats": ["A1"], "hold": "yes"}, {}),
        ({"seats": ["A1"], "hold": None}, {}),
        ({"seats": ["A1"]}, {"Idempotency-Key": ""}),
        ({"seats": ["A1"]}, {"Idempotency-Key": "x" * 256}),
        ({"seats": ["A1"]}, {"Authorization": ""}),
        ({"seats": ["A1"]}, {"Authorization": "Bearer x.y.z"}),
        ({"seats": ["A1"]}, {"Content-Type": "text/plain"}),
        ({"seats": ["A1"]}, {"Content-Type": JSON + "; charset=utf-8"}),
        ({"seats": ["A1"], "show_id": 1 << 31}, {}),
        ({"seats": ["A1"], "show_id": (1 << 31) - 1}, {}),
        (b"{", {}),
        (b"\xff\xfe{\0}\0", {}),
        (b'{"show_id": 1e400, "seats": ["A1"]}', {}),
    ],
)
def test_posts_are_answered_as_by_flask(
    server: Server, app: Flask, stage: Stage, body: Any, headers: dict[str, str]
) -> None:
    """Twice: the first request of a process takes the way through a thread."""
    shows = [stage.show(), stage.show(), stage.show()]
    buyer = Buyer(app, app.test_client())
    data = [body if isinstance(body, bytes) else json.dumps({"show_id": show, **body}).encode() for show in shows]
    given = {"Content-Type": JSON, **buyer.headers, **headers}
    flask = app.test_client().post("/api/bookings", data=data[0], headers=given)

    for number in (1, 2):
        hot = server.ask("POST", "/api/bookings", {"Content-Length": str(len(data[number])), **given}, data[number])

        assert hot.status == flask.status_code, hot.body
        assert hot.json.keys() == flask.get_json().keys()
        assert hot.json.get("code") == flask.get_json().get("code")
        expected = without({name.lower(): value for name, value in flask.headers.items()})
        assert without(hot.headers).keys() == expected.keys()
        assert hot.headers["content-type"] == expected["content-type"]
        if "X-Request-Id" in headers:
            assert hot.headers["x-request-id"] == headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("query", "headers"),
    [("", {}), ("?wait=0", {}), ("?wait=x", {}), ("?wait=1&wait=2", {}), ("?other=1", {}), ("?wait=\xe9", {}),
     ("", {"Authorization": ""}), ("", {"If-None-Match": "*"}), ("", {"If-None-Match": '"other", W/"x"'})],
)  # fmt: skip
def test_statuses_are_answered_as_by_flask(
    server: Server, app: Flask, stage: Stage, alice: Buyer, query: str, headers: dict[str, str]
) -> None:
    show = stage.show()
    decided = alice.book(show, "A1").get_json()["id"]
    stage.drain(show)
    queued = alice.book(show, "A2").get_json()["id"]
    unknown = str(ids.booking_id(b"k", show, uuid4(), "k"))

    for id_ in (decided, queued, unknown, "00000000-0000-0000-0000-000000000000", str(uuid4())):
        path = f"/api/bookings/{id_}{query}"
        flask = app.test_client().get(path, headers={**alice.headers, **headers})
        hot = server.ask("GET", path, {**alice.headers, **headers})

        assert hot.status == flask.status_code, hot.body
        assert without(hot.headers) == without({name.lower(): value for name, value in flask.headers.items()})
        if hot.body and "request_id" not in hot.json:
            assert hot.body == flask.data


@pytest.mark.parametrize("origins", ["", "https://shop.example", "https://shop.example,https://desk.example", "*"])
@pytest.mark.parametrize("origin", ["", "https://shop.example", "https://evil.example"])
@pytest.mark.parametrize("proto", ["", "https", "http", "https, http", "http, https"])
def test_pages_and_proxies_are_told_what_flask_tells_them(
    settings: Settings, stage: Stage, origins: str, origin: str, proto: str
) -> None:
    changed = replace(settings, cors_origins=tuple(filter(None, origins.split(","))), trusted_proxies=1)
    app = create_app(changed, open_stores(changed))
    server = Server(in_front_of(app, changed))
    buyer = Buyer(app, app.test_client())
    booking = buyer.book(stage.show(), "A1").get_json()["id"]
    given = {"Origin": origin, "X-Forwarded-Proto": proto}
    headers = {**buyer.headers, **{name: value for name, value in given.items() if value}}

    flask = app.test_client().get(f"/api/bookings/{booking}", headers=headers)
    hot = server.ask("GET", f"/api/bookings/{booking}", headers)

    server.stop()
    app.extensions["onsale"].engine.dispose()
    assert without(hot.headers) == without({name.lower(): value for name, value in flask.headers.items()})


def test_another_persons_booking_does_not_exist(server: Server, stage: Stage, alice: Buyer, bob: Buyer) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]

    answer = server.ask("GET", f"/api/bookings/{booking}", bob.headers)

    assert (answer.status, answer.json["code"]) == (404, "no_such_booking")


def test_a_waiting_client_hears_of_the_outcome_at_once(server: Server, stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    booking = alice.book(show, "A1").get_json()["id"]
    waiting = [server.begin("GET", f"/api/bookings/{booking}?wait=20", alice.headers) for _ in range(50)]
    waiters = server.app._waiters
    until(lambda: waiters._taken == 50)

    stage.drain(show)

    assert {one.result(PATIENCE_S).json["status"] for one in waiting} == {"CONFIRMED"}
    assert waiters._taken == 0


def test_without_a_place_to_wait_the_answer_comes_at_once(
    server: Server, stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]
    monkeypatch.setattr(server.app._waiters, "_places", 0)

    assert server.ask("GET", f"/api/bookings/{booking}?wait=20", alice.headers).json["stage"] == "QUEUED"


def test_a_card_or_a_status_that_redis_lacks_comes_from_postgres(server: Server, stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    first = post(server, alice, {"show_id": show, "seats": ["A1"]}, **{"Idempotency-Key": "k"})
    stage.drain(show)
    stage.stores.client.delete(keys.card(show % 4, show))

    second = post(server, alice, {"show_id": show, "seats": ["A2"]})
    [name] = stage.stores.client.keys(f"*{first.json['id'].replace('-', '')}")
    stage.stores.client.delete(name)
    shown = server.ask("GET", first.headers["location"], alice.headers)

    assert second.status == 202
    assert (shown.status, shown.json["status"]) == (200, "CONFIRMED")


@pytest.mark.parametrize("length", [b"", b"9" * 5000, b"-1", b"1_0", "\u0663".encode(), b"1e3"])
def test_a_length_that_cannot_be_believed_is_none(length: bytes) -> None:
    assert length_of({b"content-length": length}) is None


def test_a_header_given_twice_is_for_flask() -> None:
    assert headers_of([(b"a", b"1"), (b"a", b"2")]) == {}


LABELS = st.one_of(
    st.sampled_from(["A1", "AAA9999", "a1", "A", "1", "A1\n", "Å1", "AAAA1", "A12345"]), st.text(max_size=5)
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 12),
    st.sampled_from([3_600_000, 3_600_001]),
    st.floats(),
    st.text(max_size=3),
    st.lists(LABELS, max_size=12),
)
BODIES = st.dictionaries(
    st.sampled_from(["show_id", "seats", "quantity", "category", "hold", "give_up_after_ms", "more"]),
    VALUES,
    max_size=6,
)


@pytest.mark.parametrize("asked", [{"seats": ["A1"]}, {"quantity": 2}])
@pytest.mark.parametrize("more", [{}, {"hold": True}, {"give_up_after_ms": 1}, {"give_up_after_ms": 3_600_000}])
def test_what_people_usually_send_is_plain(asked: dict[str, Any], more: dict[str, Any]) -> None:
    body = {"show_id": 1, **asked, **more}

    assert booking_of(json.dumps(body).encode()) == {"hold": False, **body}


@given(
    BODIES
    | st.builds(lambda seats, more: {"show_id": 1, "seats": seats, **more}, st.lists(LABELS, max_size=11), BODIES)
    | st.builds(lambda after_ms: {"show_id": 1, "quantity": 2, "give_up_after_ms": after_ms}, VALUES)
)
def test_what_is_plain_is_what_the_schema_takes(body: dict[str, Any]) -> None:
    asked = booking_of(json.dumps(body).encode())

    if asked is not None:
        try:
            loaded = BOOKING_REQUEST.load(body)
        except ValidationError as error:
            raise AssertionError(f"{body} is not plain: {error}") from error
        assert asked == loaded
