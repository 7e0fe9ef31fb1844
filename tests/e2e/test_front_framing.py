"""Raw requests to the api's server: the bytes that known clients send, and bytes that no client should send."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from proof.kit.servers import Servers
from tests.contract import wire
from tests.contract.wire import Connection
from tests.contract.world import LOGINS_PER_ADDRESS, World, address
from tests.e2e.front import serving, system

MOST_HEADER_FIELDS, MOST_HEADER_BYTES = 100, 32 * 1024

#: The head of a chunked POST as each client writes it, and how it writes the size of a chunk.
CLIENTS = {
    # HttpClient with a stream of unknown length and ExpectContinue: sizes in capitals.
    ".NET": (
        "POST /api/bookings HTTP/1.1\r\nHost: onsale:8000\r\nAuthorization: Bearer {token}\r\n"
        "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n",
        "%X",
    ),
    "curl": (
        "POST /api/bookings HTTP/1.1\r\nHost: onsale:8000\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"
        "Content-Type: application/json\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n"
        "Expect: 100-continue\r\n\r\n",
        "%x",
    ),
    # HttpURLConnection.setChunkedStreamingMode: another capitalization of a header's name.
    "Java": (
        "POST /api/bookings HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        "User-Agent: Java/17.0.9\r\nHost: onsale:8000\r\n"
        "Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\nConnection: keep-alive\r\n"
        "Transfer-encoding: chunked\r\n\r\n",
        "%x",
    ),
    # stream.pipe(http.request(...)).
    "Node": (
        "POST /api/bookings HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        "Host: onsale:8000\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
        "%x",
    ),
    # http.NewRequest with an io.Reader of unknown length.
    "Go": (
        "POST /api/bookings HTTP/1.1\r\nHost: onsale:8000\r\nUser-Agent: Go-http-client/1.1\r\n"
        "Transfer-Encoding: chunked\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        "Accept-Encoding: gzip\r\n\r\n",
        "%x",
    ),
}


@pytest.fixture(scope="module")
def world(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with system(servers, template) as (env, stage), serving(env, tmp_path_factory.mktemp("api")) as api:
        yield World("front", api.address, stage)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("pieces", [1, 3], ids=["one chunk", "three chunks"])
def test_a_body_in_chunks_is_read_as_each_client_frames_it(world: World, client: str, pieces: int) -> None:
    head, size = CLIENTS[client]
    show = world.stage.show()
    body = b'{"show_id": %d, "seats": ["A1", "A2"], "hold": true}' % show
    step = -(-len(body) // pieces)
    parts = [body[at : at + step] for at in range(0, len(body), step)]

    with Connection(world.address) as connection:
        connection.send(head.format(token=world.token()).encode())
        if "Expect" in head:
            assert connection.continued()
        for part in parts:
            connection.send((size % len(part)).encode() + b"\r\n" + part + b"\r\n")
        connection.send(b"0\r\n\r\n")
        answer = connection.read()
        connection.send(wire.head("GET", "/healthz"))
        assert connection.read().status == 200

    assert answer.status == 202, answer
    world.stage.drain(show)


def test_extensions_and_trailers_of_chunks_are_read_over(world: World) -> None:
    show = world.stage.show()
    body = wire.chunked(
        b'{"show_id": %d, "seats": ["A1"]}' % show, 7, b';name="a value"', b"X-Checksum: 1\r\nAuthorization: none\r\n"
    )
    lines = [("Authorization", f"Bearer {world.token()}"), ("Content-Type", "application/json")]

    with Connection(world.address) as connection:
        connection.send(wire.head("POST", "/api/bookings", *lines, ("Transfer-Encoding", "chunked")) + body)
        answer = connection.read()

    assert answer.status == 202, answer
    world.stage.drain(show)


@pytest.mark.parametrize("framing", ["length first", "chunks first", "two encodings"])
def test_a_request_framed_twice_smuggles_nothing(world: World, framing: str) -> None:
    chunks, length, identity = (
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "4"),
        ("Transfer-Encoding", "identity"),
    )
    lines = {
        "length first": [length, chunks],
        "chunks first": [chunks, length],
        "two encodings": [chunks, identity],
    }[framing]
    inner = wire.head("GET", "/healthz", ("X-Request-Id", "inner"))

    with Connection(world.address) as connection:
        connection.send(wire.head("POST", "/api/auth/login", *lines) + b"0\r\n\r\n" + inner)
        answers = [connection.read()]
        try:
            answers.append(connection.read())
        except ConnectionError:
            assert answers[0].status in (400, 415)
        else:
            # The chunked framing won: the bytes after it are the next request, not part of a body.
            assert (answers[1].status, answers[1].one("x-request-id")) == (200, "inner")


def test_http_2_without_an_upgrade_is_let_go(world: World) -> None:
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"

    with Connection(world.address) as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
        try:
            answer = connection.read()
        except ConnectionError:
            return
        assert answer.version == "HTTP/1.1"
        assert answer.status in (400, 505)
        assert connection.ended()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([(f"X-{number}", "1") for number in range(MOST_HEADER_FIELDS)], id="fields"),
        pytest.param([("Cookie", "a=1")] * MOST_HEADER_FIELDS, id="the same field"),
        pytest.param([("X-Long", "x" * MOST_HEADER_BYTES)], id="one long line"),
        pytest.param([(f"X-{number}", "x" * 1024) for number in range(MOST_HEADER_BYTES // 1024)], id="bytes"),
    ],
)
@pytest.mark.parametrize("target", ["/api/bookings", "/api/auth/login", "/healthz"])
def test_too_many_or_too_long_headers_are_431_before_anything_else(
    world: World, lines: list[tuple[str, str]], target: str
) -> None:
    with Connection(world.address) as connection:
        connection.send(wire.head("POST", target, *lines, ("Content-Length", "20000")))
        answer = connection.read()
        assert connection.ended()

    assert answer.status == 431
    assert not answer.all("x-request-id")  # no code of ours has seen it


def test_as_many_headers_as_browsers_and_proxies_send_are_read(world: World) -> None:
    lines = [(f"X-{number}", "1") for number in range(MOST_HEADER_FIELDS - 2)] + [("Cookie", "c" * 8000)]

    assert wire.ask(world.address, wire.head("GET", "/healthz", *lines)).status == 200


@pytest.mark.parametrize("spelling", ["X_Forwarded_For", "X-Forwarded_For", "x_forwarded-for"])
def test_no_spelling_of_a_header_gives_a_client_another_address(world: World, spelling: str) -> None:
    """The proxy sends X-Forwarded-For; the client sends a name that WSGI would take for the same."""
    proxys = ("X-Forwarded-For", address())
    statuses = []

    for number in range(LOGINS_PER_ADDRESS + 2):
        data = b'{"email": "%s@example.com", "password": "not the password"}' % uuid4().hex.encode()
        client = (spelling, f"198.51.100.{number}")
        lines = [client, proxys] if number % 2 else [proxys, client]
        typed = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        statuses.append(wire.ask(world.address, wire.head("POST", "/api/auth/login", *lines, *typed) + data).status)

    assert statuses == [401] * LOGINS_PER_ADDRESS + [429] * 2


def test_of_a_doubled_header_the_proxys_line_is_believed(world: World) -> None:
    proxys, statuses = address(), []

    for number in range(LOGINS_PER_ADDRESS + 1):
        data = b'{"email": "%s@example.com", "password": "not the password"}' % uuid4().hex.encode()
        lines = [("X-Forwarded-For", f"198.51.100.{number}"), ("X-Forwarded-For", proxys)]
        typed = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        statuses.append(wire.ask(world.address, wire.head("POST", "/api/auth/login", *lines, *typed) + data).status)

    assert statuses == [401] * LOGINS_PER_ADDRESS + [429]
