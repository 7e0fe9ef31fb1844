"""The front applies the same limits as the rest of the api: rates, and revoked tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from api.app import in_front_of
from core.settings import Settings
from tests.integration.api.web.test_front import post
from tests.support.buyer import Buyer, answered, refused
from tests.support.rsgi import Server
from tests.support.stage import Stage


@pytest.fixture
def app_with(settings: Settings, make_app: Callable[[Settings], Flask]) -> Callable[..., Flask]:
    return lambda **changes: make_app(replace(settings, **changes))


def test_bookings_and_reads_are_counted_together(app_with: Callable[..., Flask], stage: Stage) -> None:
    app = app_with(rate_limit_per_s=0.01, rate_limit_burst=4)
    alice, bob = (Buyer(app, app.test_client()) for _ in range(2))
    show = stage.show()

    first = alice.book(show, "A1", key="k")
    id_ = answered(first, 202)["id"]
    looks = [alice.get(id_) for _ in range(3)]
    late = [alice.get(id_), alice.book(show, "A2"), alice.get(id_, "?wait=1"), alice.confirm(id_)]

    assert first.headers["RateLimit-Policy"] == '"user";q=4;w=400'
    assert [one.headers["RateLimit"] for one in (first, *looks)] == [
        f'"user";r={left};t=100' for left in (3, 2, 1, 0)
    ]
    for response in late:
        refused(response, 429, "too_many_requests")
        assert 1 <= int(response.headers["Retry-After"]) <= 100
        assert response.headers["Cache-Control"] == "no-store"
    answered(bob.book(show, "A3"), 202)
    assert stage.drain(show) == 2


def test_each_request_is_counted_once_by_either_transport(app_with: Callable[..., Flask], stage: Stage) -> None:
    app = app_with(rate_limit_per_s=0.01, rate_limit_burst=100)
    alice = Buyer(app, app.test_client())
    show = stage.show()
    id_ = answered(alice.book(show, "A1"), 202)["id"]
    told = [
        alice.get(id_, **{"If-None-Match": '"x"'}),
        alice.get(id_),
        alice.post({"show_id": show, "seats": ["A1"], "unknown": 1}),  # refused by the schema
        alice.post({"show_id": show, "seats": ["Z99"]}),  # refused by the service
    ]

    assert [one.headers["RateLimit"] for one in told] == [f'"user";r={left};t=100' for left in (98, 97, 96, 95)]


def test_the_limit_can_be_switched_off(app_with: Callable[..., Flask], stage: Stage) -> None:
    app = app_with(rate_limit_per_s=0.0, rate_limit_burst=1)
    alice = Buyer(app, app.test_client())
    id_ = answered(alice.book(stage.show(), "A1"), 202)["id"]

    assert {alice.get(id_).status_code for _ in range(5)} == {200}
    assert "RateLimit" not in alice.get(id_).headers


def test_a_revoked_token_books_nothing(app: Flask, stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    id_ = answered(alice.book(show, "A1"), 202)["id"]
    stage.drain(show)

    assert app.test_client().post("/api/auth/logout", headers=alice.headers).status_code == 204

    for response in (alice.book(show, "A2"), alice.get(id_), alice.get(id_, "?wait=1"), alice.cancel(id_)):
        refused(response, 401, "token_revoked")
    assert stage.drain(show) == 0


def test_the_front_itself_counts_and_refuses(app_with: Callable[..., Flask], stage: Stage) -> None:
    app = app_with(rate_limit_per_s=0.01, rate_limit_burst=2)
    alice, show = Buyer(app, app.test_client()), stage.show()
    server = Server(in_front_of(app))
    try:
        answers = [post(server, alice, {"show_id": show, "seats": [seat]}) for seat in ("A1", "A2", "A3")]
    finally:
        server.stop()

    assert [answer.status for answer in answers] == [202, 202, 429]
    assert [answer.headers["ratelimit"] for answer in answers[:2]] == ['"user";r=1;t=100', '"user";r=0;t=100']
    assert answers[2].json["code"] == "too_many_requests"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 100
    assert stage.drain(show) == 2


def test_the_front_itself_refuses_revoked_tokens(app: Flask, stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    server = Server(in_front_of(app))
    try:
        before = post(server, alice, {"show_id": show, "seats": ["A1"]})
        assert app.test_client().post("/api/auth/logout", headers=alice.headers).status_code == 204
        after = post(server, alice, {"show_id": show, "seats": ["A2"]})
        look = server.ask("GET", f"/api/bookings/{before.json['id']}", alice.headers)
    finally:
        server.stop()

    assert before.status == 202
    assert [(one.status, one.json["code"]) for one in (after, look)] == [(401, "token_revoked")] * 2
