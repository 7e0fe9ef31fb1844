"""The front's own answers obey the rules of media types, prefixes, compression and ETags."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from api.app import close, create_app, in_front_of
from api.assembly import open_backend
from api.catalogue import show_list
from api.web import metrics
from core.settings import Settings
from tests.support.buyer import Buyer
from tests.support.rsgi import Answer, Server
from tests.support.stage import Stage

HOST = {"Host": "onsale.example"}


@pytest.fixture
def behind(settings: Settings) -> Iterator[Flask]:
    changed = replace(settings, trusted_proxies=1)
    app = create_app(changed, open_backend(changed))
    yield app
    close(app)


@pytest.fixture
def server(behind: Flask) -> Iterator[Server]:
    running = Server(in_front_of(behind))
    yield running
    running.stop()


@pytest.fixture
def buyer(behind: Flask) -> Buyer:
    return Buyer(behind, behind.test_client())


def post(server: Server, buyer: Buyer, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", "Content-Length": str(len(data)), **buyer.headers, **HOST}
    return server.ask(
        "POST", "/api/bookings", {**given, **{n.replace("_", "-"): v for n, v in headers.items()}}, data
    )


def test_a_booking_is_found_below_the_prefix(server: Server, stage: Stage, buyer: Buyer) -> None:
    show = stage.show()
    made = post(server, buyer, {"show_id": show, "seats": ["A1"]}, X_Forwarded_Prefix="/shop")
    cancelled = server.ask(
        "DELETE", f"/api/bookings/{made.json['id']}", {**buyer.headers, **HOST, "X-Forwarded-Prefix": "/shop"}
    )

    assert (made.status, cancelled.status) == (202, 202)
    assert made.headers["location"] == cancelled.headers["location"] == f"/shop/api/bookings/{made.json['id']}"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({"Content_Type": "Application/JSON; Charset=UTF-8"}, 202, None), ({"Content_Encoding": "identity"}, 202, None),
     ({"Content_Type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
     ({"Content_Encoding": "gzip"}, 415, "unsupported_content_encoding")],
)  # fmt: skip
def test_a_body_is_checked_by_its_media_type_and_encoding(
    server: Server, stage: Stage, buyer: Buyer, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = post(server, buyer, {"show_id": stage.show(), "seats": ["A1"]}, **headers)

    assert (answer.status, answer.json.get("code")) == (status, code)
    assert answer.headers.get("accept-encoding") == ("identity" if "Content_Encoding" in headers and code else None)


def test_a_byte_order_mark_is_skipped(server: Server, stage: Stage, buyer: Buyer) -> None:
    body = json.dumps({"show_id": stage.show(), "seats": ["A1"]}).encode()

    assert post(server, buyer, b"\xef\xbb\xbf" + body).status == 202


def test_unknown_parameters_change_no_status(server: Server, stage: Stage, buyer: Buyer) -> None:
    made = post(server, buyer, {"show_id": stage.show(), "seats": ["A1"]})
    path = f"/api/bookings/{made.json['id']}"

    assert server.ask("GET", path + "?_=1&_=2&fbclid=x", {**buyer.headers, **HOST}).status == 200
    assert server.ask("GET", path + "?wait=0&wait=0", {**buyer.headers, **HOST}).status == 422


def test_a_large_map_is_sent_in_the_accepted_form(server: Server, stage: Stage) -> None:
    path = f"/api/shows/{stage.show(rows=10, seats=20)}/seats"
    plain = server.ask("GET", path, HOST)
    packed = server.ask("GET", path, {**HOST, "Accept-Encoding": "gzip, br"})
    same = server.ask("GET", path, {**HOST, "Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})

    assert gzip.decompress(packed.body) == plain.body
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.headers["etag"] == same.headers["etag"] == f"W/{plain.headers['etag']}"
    assert (same.status, same.body, "content-encoding" in same.headers) == (304, b"", False)
    assert {each.headers["vary"] for each in (plain, packed, same)} == {"Accept-Encoding"}


def test_a_page_in_memory_is_answered_by_the_front_as_flask_answers_it(
    server: Server, behind: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show_list, "time", SimpleNamespace(monotonic=lambda: 100.0))  # no page gets too old
    for _ in range(5):
        stage.show()
    flask = behind.test_client()
    seen: list[str] = []
    monkeypatch.setattr(metrics, "way", seen.append)
    for path in ("/api/shows", "/api/shows/upcoming?limit=3&free=true"):
        for headers in ({}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}):
            first = flask.get(path, headers=headers)
            second = server.ask("GET", path, {**HOST, **headers})
            assert (second.status, second.body) == (first.status_code, first.data)
            named = ("etag", "cache-control", "content-encoding", "content-type")
            assert [second.headers.get(name) for name in named] == [first.headers.get(name) for name in named]
    assert seen == ["fast"] * 6

    assert server.ask("GET", "/api/shows?limit=x", HOST).status == 422
    assert server.ask("GET", "/api/shows?limit=4", HOST).status == 200
    assert seen[6:] == ["threads"] * 2
