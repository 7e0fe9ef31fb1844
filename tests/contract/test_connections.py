"""Connections: kept alive, pipelined, HTTP/1.0, slow. Cases that depend on the server run on the product's only."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.contract import wire
from tests.contract.case import sound
from tests.contract.wire import Answer, Connection
from tests.contract.world import World


def request(method: str, target: str, token: str = "", body: bytes | None = None, **more: str) -> bytes:
    """Return a request for a kept-alive connection. `more`: further headers, "_" for "-"."""
    lines = [(name.replace("_", "-"), value) for name, value in more.items()]
    if token:
        lines.append(("Authorization", f"Bearer {token}"))
    if body is not None:
        lines.append(("Content-Type", "application/json"))
        if "Transfer_Encoding" not in more:
            lines.append(("Content-Length", str(len(body))))
    return wire.head(method, target, *lines) + (body or b"")


def booking(show: int, *seats: str) -> bytes:
    return json.dumps({"show_id": show, "seats": seats}).encode()


def test_a_connection_is_kept_for_one_request_after_another(front: World) -> None:
    token, show = front.token(), front.stage.show()

    with Connection(front.address) as connection:
        connection.send(request("POST", "/api/bookings", token, booking(show, "A1")))
        accepted = connection.read()
        connection.send(request("GET", accepted.one("location"), token))
        seen = connection.read()
        connection.send(request("GET", "/nothing"))
        missing = connection.read()
        connection.send(request("HEAD", accepted.one("location"), token))
        told = connection.read("HEAD")
        connection.send(request("GET", "/healthz"))
        alive = connection.read()

    assert [answer.status for answer in (accepted, seen, missing, told, alive)] == [202, 200, 404, 200, 200]
    assert seen.json["id"] == accepted.json["id"]
    for answer in (accepted, seen, missing, alive):
        sound(answer, "GET")
        assert len(answer.all("date")) == 1
    front.stage.drain(show)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_pipelined_requests_are_answered_in_order(front: World, chunked: bool) -> None:
    token, show = front.token(), front.stage.show()
    body, more = booking(show, "A1"), {}
    if chunked:
        body, more = wire.chunked(body, 10), {"Transfer_Encoding": "chunked"}
    requests = [
        request("GET", "/api/movies?limit=1"),
        request("POST", "/api/bookings", token, body, **more),
        request("GET", "/healthz"),
        request("POST", "/api/bookings", token, booking(show, "A2")),
        request("GET", "/api/bookings/reference/X", token),
        request("GET", "/api/auth/profile"),
        request("HEAD", "/docs"),
        request("GET", "/healthz"),
    ]
    named = [each.replace(b"\r\n", b"\r\nX-Request-Id: n%d\r\n" % n, 1) for n, each in enumerate(requests)]

    with Connection(front.address) as connection:
        connection.send(b"".join(named))
        answers = [connection.read("HEAD" if each.startswith(b"HEAD") else "GET") for each in requests]

    assert [answer.one("x-request-id") for answer in answers] == [f"n{n}" for n in range(len(requests))]
    assert [answer.status for answer in answers] == [200, 202, 200, 202, 404, 401, 200, 200]
    front.stage.drain(show)


@pytest.mark.parametrize("who", ["somebody", "nobody"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_an_unread_body_is_not_taken_for_a_request(front: World, who: str, chunked: bool) -> None:
    inner = request("GET", "/healthz", X_Request_Id="inner")
    body, more = inner + b" " * 20_000, {}
    if chunked:
        body, more = wire.chunked(body, 1 << 20), {"Transfer_Encoding": "chunked"}
    token = front.token() if who == "somebody" else ""

    with Connection(front.address) as connection:
        connection.send(request("POST", "/api/bookings", token, body, **more))
        connection.send(request("GET", "/healthz", X_Request_Id="outer"))
        first = connection.read()
        second = _next(connection)

    assert first.status == (413 if who == "somebody" else 401)
    assert second is None or second.one("x-request-id") == "outer"


def test_a_length_beside_chunks_hides_no_request(world: World) -> None:
    token, show = world.token(), world.stage.show()
    body = wire.chunked(booking(show, "A1"), 1 << 20)
    more = {"Transfer_Encoding": "chunked", "Content_Length": "4", "Idempotency_Key": uuid4().hex}

    with Connection(world.address) as connection:
        connection.send(request("POST", "/api/bookings", token, body, **more))
        first = connection.read()
        if world.transport == "front":
            connection.send(request("GET", "/healthz", X_Request_Id="outer"))
            second = _next(connection)
            assert second is None or (second.status, second.one("x-request-id")) == (200, "outer")

    assert first.status in (202, 400)  # chunks take precedence (RFC 9112, 6.3), or it is refused
    world.stage.drain(show)


def _next(connection: Connection) -> Answer | None:
    """Read the next answer; None if the server has closed the connection instead."""
    try:
        return connection.read()
    except ConnectionError:
        return None


@pytest.mark.parametrize("lengths", [("3", "4"), ("x",), ("-1",), ("1e1",)], ids=str)
def test_a_length_that_is_none_is_refused(front: World, lengths: tuple[str, ...]) -> None:
    lines = [("Content-Type", "application/json"), *(("Content-Length", length) for length in lengths)]

    with Connection(front.address) as connection:
        connection.send(wire.head("POST", "/api/bookings", *lines) + b"{}")
        assert connection.read().status == 400
        assert connection.ended()


@pytest.mark.parametrize("target", [b"/api/movies?q=\xff", b"/api/\xff", b"/api/mov ies", b""], ids=repr)
def test_an_invalid_target_is_refused(front: World, target: bytes) -> None:
    with Connection(front.address) as connection:
        connection.send(b"GET %b HTTP/1.1\r\nHost: onsale\r\n\r\n" % target)
        assert connection.read().status in (400, 404)


def test_a_target_that_is_only_a_host_gets_no_more_than_the_first_page(front: World) -> None:
    """The HTTP library reads it as a host without a path, which is the path /."""
    with Connection(front.address) as connection:
        connection.send(b"GET api HTTP/1.1\r\nHost: onsale\r\n\r\n")
        answer = connection.read()
    assert (answer.status, answer.one("content-type")) == (200, "text/html; charset=utf-8")


def test_the_server_asks_for_the_body_with_100_continue(world: World) -> None:
    token, show = world.token(), world.stage.show()
    body = booking(show, "A1")
    whole = request("POST", "/api/bookings", token, body, Expect="100-continue")

    with Connection(world.address) as connection:
        connection.send(whole.removesuffix(body))
        assert connection.continued()
        connection.send(body)
        answer = connection.read()

    assert answer.status == 202
    world.stage.drain(show)


@pytest.mark.parametrize("announced", ["", "20000"], ids=["no token", "too large"])
def test_a_refused_body_need_not_be_sent(world: World, announced: str) -> None:
    token = world.token() if announced else ""
    lines = [("Content-Type", "application/json"), ("Content-Length", announced or "2"), ("Expect", "100-continue"),
             *([("Authorization", f"Bearer {token}")] if token else [])]  # fmt: skip

    with Connection(world.address) as connection:
        connection.send(wire.head("POST", "/api/bookings", *lines))
        answer = connection.read()

    assert answer.status == (413 if announced else 401)


def test_a_body_may_arrive_slowly(world: World) -> None:
    token, show = world.token(), world.stage.show()
    whole = request("POST", "/api/bookings", token, booking(show, "A1"))

    with Connection(world.address) as connection:
        for part in (whole[:30], whole[30:-20], whole[-20:-1]):
            connection.send(part)
            assert connection.silent(0.05)
        connection.send(whole[-1:])
        answer = connection.read()

    assert answer.status == 202
    world.stage.drain(show)


@pytest.mark.parametrize("target", ["/healthz", "/api/movies?limit=1"])
def test_a_client_of_http_1_0_is_answered_and_disconnected(world: World, target: str) -> None:
    with Connection(world.address) as connection:
        connection.send(b"GET %b HTTP/1.0\r\n\r\n" % target.encode())
        answer = connection.read()
        assert connection.ended()

    sound(answer, "GET")
    assert answer.status == 200
    assert not answer.all("transfer-encoding")


def test_a_client_of_http_1_0_books(world: World) -> None:
    token, show = world.token(), world.stage.show()
    body = booking(show, "A1")
    lines = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"),
             ("Content-Length", str(len(body)))]  # fmt: skip

    answer = wire.ask(world.address, wire.head("POST", "/api/bookings", *lines, version="1.0") + body)

    assert answer.status == 202
    world.stage.drain(show)


def test_close_is_heeded(world: World) -> None:
    with Connection(world.address) as connection:
        connection.send(request("GET", "/healthz", Connection="close"))
        assert connection.read().status == 200
        assert connection.ended()


def test_header_names_are_case_insensitive(world: World) -> None:
    token, show, key = world.token(), world.stage.show(), uuid4().hex
    plain = request("POST", "/api/bookings", token, booking(show, "A1"), Idempotency_Key=key)
    head, _, body = plain.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    loud = [b": ".join((each.partition(b": ")[0].upper(), each.partition(b": ")[2])) for each in lines]

    first = wire.ask(world.address, plain)
    second = wire.ask(world.address, b"\r\n".join([line, *loud]) + b"\r\n\r\n" + body)

    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]
    world.stage.drain(show)
