"""The front: what it answers without Flask, how long polls wait, and what it refuses before a thread is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from flask import Flask

from api import front
from api.app import MAX_BODY_BYTES, in_front_of
from api.bookings.long_poll import LongPolls
from api.server import rsgi
from api.web import metrics
from api.web.errors import Busy
from core.settings import Settings
from db.kv import keys
from proof.kit.waiting import PATIENCE_S, until
from tests.support.buyer import Buyer
from tests.support.rsgi import Answer, Headers, Proto, Server
from tests.support.stage import Stage

JSON = "application/json"


@pytest.fixture
def server(app: Flask) -> Iterator[Server]:
    running = Server(in_front_of(app))
    yield running
    running.stop()


def post(server: Server, buyer: Buyer, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": JSON, "Content-Length": str(len(data)), **buyer.headers, **headers}
    return server.ask("POST", "/api/bookings", given, data)


def long_polls(server: Server) -> LongPolls:
    return server.app._service._long_polls


def test_a_booking_is_accepted_and_shown_without_flask(
    server: Server, stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    monkeypatch.setattr(server.app._bridge, "answer", None)
    post(server, alice, {"show_id": show, "seats": ["B1"]})

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


def test_another_persons_booking_does_not_exist(server: Server, stage: Stage, alice: Buyer, bob: Buyer) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]

    answer = server.ask("GET", f"/api/bookings/{booking}", bob.headers)

    assert (answer.status, answer.json["code"]) == (404, "no_such_booking")


def test_a_waiting_client_gets_the_outcome_at_once(server: Server, stage: Stage, alice: Buyer) -> None:
    show = stage.show()
    booking = alice.book(show, "A1").get_json()["id"]
    waiting = [server.begin("GET", f"/api/bookings/{booking}?wait=20", alice.headers) for _ in range(50)]
    until(lambda: long_polls(server)._slots_in_use == 50)

    stage.drain(show)

    assert {one.result(PATIENCE_S).json["status"] for one in waiting} == {"CONFIRMED"}
    assert long_polls(server)._slots_in_use == 0


def test_the_front_answers_at_once_without_a_free_slot(
    server: Server, stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]
    monkeypatch.setattr(long_polls(server), "_slots", 0)

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


def test_a_client_that_disconnects_frees_its_slot(server: Server, stage: Stage, alice: Buyer) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]
    client = Proto(b"")
    waiting = server.begin("GET", f"/api/bookings/{booking}?wait=20", alice.headers, proto=client)
    until(lambda: long_polls(server)._slots_in_use == 1)

    server.soon(client.gone.set)

    waiting.result(PATIENCE_S)
    assert long_polls(server)._slots_in_use == 0
    assert long_polls(server)._waiting == {}


def test_a_leaving_process_answers_waiting_clients_and_is_not_ready(
    server: Server, stage: Stage, alice: Buyer
) -> None:
    booking = alice.book(stage.show(), "A1").get_json()["id"]
    path = f"/api/bookings/{booking}?wait=20"
    waiting = [server.begin("GET", path, alice.headers) for _ in range(3)]
    until(lambda: long_polls(server)._slots_in_use == 3)
    assert server.ask("GET", "/readyz", {}).status == 200

    server.soon(server.app._service.leave)

    assert [one.result(PATIENCE_S / 2).json["stage"] for one in waiting] == ["QUEUED"] * 3
    ready = server.ask("GET", "/readyz", {})
    assert (ready.status, ready.json["status"]) == (503, "leaving")
    assert server.ask("GET", "/healthz", {}).status == 200
    assert server.begin("GET", path, alice.headers).result(PATIENCE_S / 2).json["stage"] == "QUEUED"


@pytest.mark.parametrize("path", ["/api/bookings", "/api/auth/login"], ids=["the front's", "Flask's"])
@pytest.mark.parametrize("framing", [{"Content-Length": "20"}, {"Transfer-Encoding": "chunked"}])
def test_a_body_that_never_arrives_is_answered_in_time(
    server: Server, alice: Buyer, monkeypatch: pytest.MonkeyPatch, path: str, framing: dict[str, str]
) -> None:
    monkeypatch.setattr(rsgi, "BODY_S", 0.05)

    answer = server.ask("POST", path, {**alice.headers, "Content-Type": JSON, **framing}, None)

    assert (answer.status, answer.json["code"]) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/api/bookings", "/api/auth/login"], ids=["the front's", "Flask's"])
def test_a_body_that_is_too_long_is_refused_by_its_length(server: Server, alice: Buyer, path: str) -> None:
    client = Proto(b"x" * (MAX_BODY_BYTES + 1))
    headers = {**alice.headers, "Content-Type": JSON, "Content-Length": str(MAX_BODY_BYTES + 1)}

    answer = server.ask("POST", path, headers, proto=client)

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert client.read == 0


@pytest.mark.parametrize("path", ["/api/bookings", "/api/auth/login"], ids=["the front's", "Flask's"])
def test_a_body_in_chunks_is_read_up_to_the_limit(server: Server, alice: Buyer, path: str) -> None:
    client = Proto([b"x" * 1000] * 100)
    headers = {**alice.headers, "Content-Type": JSON, "Transfer-Encoding": "chunked"}

    answer = server.ask("POST", path, headers, proto=client)

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert MAX_BODY_BYTES < client.read <= MAX_BODY_BYTES + 1000


def test_a_chunked_body_books_like_any_other(server: Server, stage: Stage, alice: Buyer) -> None:
    body = json.dumps({"show_id": stage.show(), "seats": ["A1"]}).encode()
    headers = {**alice.headers, "Content-Type": JSON, "Transfer-Encoding": "chunked"}

    answer = server.ask("POST", "/api/bookings", headers, proto=Proto([body[:7], body[7:]]))

    assert answer.status == 202


class Stuck:
    """A server whose view /stuck blocks until it is released; it has two of Flask's threads."""

    def __init__(self, app: Flask) -> None:
        self.flask = app
        self.flask.add_url_rule("/stuck", view_func=self._view)
        self.server = Server(in_front_of(self.flask))
        self.holds = 2 + 2 * front.WAITING_PER_THREAD
        self._go_on = Event()

    def fill(self) -> list[Future[Answer]]:
        """Occupy all threads, and the whole queue before them."""
        asked = [self.server.begin("GET", "/stuck", {}) for _ in range(self.holds)]
        until(lambda: self.server.app._bridge._threads._slots_in_use == self.holds)
        return asked

    def go_on(self) -> None:
        self._go_on.set()

    def _view(self) -> str:
        assert self._go_on.wait(2 * PATIENCE_S)
        return "went on"


@pytest.fixture
def stuck(settings: Settings, make_app: Callable[[Settings], Flask]) -> Iterator[Stuck]:
    made = Stuck(make_app(replace(settings, api_threads=2)))
    yield made
    made.go_on()
    made.server.stop()


def test_while_all_threads_are_taken_bookings_and_probes_are_answered(stuck: Stuck, stage: Stage) -> None:
    server, show = stuck.server, stage.show()
    alice = Buyer(stuck.flask, stuck.flask.test_client())
    held = post(server, alice, {"show_id": show, "seats": ["A1"], "hold": True}).json["id"]
    stage.drain(show)
    waiting = stuck.fill()

    busy = [server.ask("GET", path, {}) for path in ("/stuck", "/api/movies")]
    booked = post(server, alice, {"show_id": show, "seats": ["A2"]})
    confirmed = server.ask("PATCH", f"/api/bookings/{held}/confirm", alice.headers)
    preflight = server.ask("OPTIONS", "/api/bookings", {"Access-Control-Request-Method": "POST"})
    others = [
        server.ask("GET", path, {})
        for path in ("/healthz", "/readyz", "/metrics", "/api/health", f"/api/shows/{show}/seats")
    ]

    for answer in busy:
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "busy", "1")
    assert (booked.status, confirmed.status, preflight.status) == (202, 202, 200)
    assert [answer.status for answer in others] == [200] * 5
    stuck.go_on()
    assert {one.result(PATIENCE_S).body for one in waiting} == {b"went on"}
    assert server.ask("GET", "/api/movies", {}).status == 200


def test_unknown_methods_create_no_labels(server: Server, alice: Buyer) -> None:
    before = set(metrics._histograms)

    for number in range(20):
        given = {"Content-Length": str(10**6)}
        assert server.ask(f"INVENTED{number}", "/x", given, proto=Proto(None)).status == 413

    assert {method for _, method, _ in set(metrics._histograms) - before} <= {"other"}


def test_a_status_that_redis_has_is_answered_while_no_thread_is_free(
    server: Server, stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    held = post(server, alice, {"show_id": show, "seats": ["A1"], "hold": True})
    stage.drain(show)
    monkeypatch.setattr("api.bookings.status_body.overdue", lambda _fields: True)

    async def busy(*_: Any) -> None:
        raise Busy

    monkeypatch.setattr(server.app._service._threads, "run", busy)

    assert server.ask("GET", f"/api/bookings/{held.json['id']}", alice.headers).json["stage"] == "HELD"


def test_a_repeated_key_header_is_joined_into_one_key(server: Server, app: Flask, stage: Stage, alice: Buyer) -> None:
    """As WSGI joins them: behind a proxy that repeats a header, both transports find the same booking."""
    lines = rsgi.text(Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "a")]), "idempotency-key")
    first = post(server, alice, {"show_id": stage.show(), "seats": ["A1"]}, **{"Idempotency-Key": "a,a"})

    assert lines == "a,a"
    assert first.status == 202
