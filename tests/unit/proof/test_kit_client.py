"""The kit's HTTP client keeps connections, replaces closed ones, and says how a request failed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from proof.kit.client import Broken, Client, NoAnswer, Refused

ANSWER = b'HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\n\r\n{"a":1}'
#: What the server does with its nth connection.
Act = Callable[[int, socket.socket], None]


@contextmanager
def client_of(act: Act) -> Iterator[Client]:
    """Yield a client of a server that handles one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            number = 0
            with suppress(OSError):
                while True:
                    taken, _ = listening.accept()
                    with taken, suppress(OSError):
                        act(number, taken)
                    number += 1

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with Client(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_s=0.5) as client:
            yield client
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def answer(taken: socket.socket, times: int, raw: bytes = ANSWER) -> list[bytes]:
    """Answer a number of requests; return them."""
    found = []
    for _ in range(times):
        found.append(taken.recv(65_536))
        taken.sendall(raw)
    return found


def test_one_connection_serves_several_requests() -> None:
    connections: list[int] = []
    heads: list[bytes] = []

    def act(number: int, taken: socket.socket) -> None:
        connections.append(number)
        heads.extend(answer(taken, 3))

    with client_of(act) as client:
        bodies = [client.call("GET", "/x", token="t", key="k") for _ in range(3)]

    assert bodies == [{"a": 1}] * 3
    assert connections == [0]
    assert all(b"Authorization: Bearer t\r\n" in head and b"Idempotency-Key: k\r\n" in head for head in heads)


def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    closed = threading.Event()

    def act(_number: int, taken: socket.socket) -> None:
        answer(taken, 1)
        taken.shutdown(socket.SHUT_RDWR)
        closed.set()

    with client_of(act) as client:
        for _ in range(3):
            closed.clear()
            assert client.send("POST", "/x", b"{}").status == 202
            assert closed.wait(10)


def test_a_connection_that_closes_before_the_answer_is_broken() -> None:
    with client_of(lambda _, taken: (taken.recv(65_536), None)[1]) as client, pytest.raises(Broken):
        client.send("GET", "/x")


def test_a_refused_connection_is_broken() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(Broken):
        client.send("GET", "/x")


@pytest.mark.parametrize("part", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"HTTP/9 what\r\n\r\n"])
def test_a_part_of_an_answer_is_none(part: bytes) -> None:
    with client_of(lambda _, taken: (answer(taken, 1, part), None)[1]) as client, pytest.raises(NoAnswer):
        client.send("GET", "/x")


def test_an_answer_after_the_deadline_is_none() -> None:
    released = threading.Event()

    with client_of(lambda _, taken: (taken.recv(65_536), released.wait(10), None)[2]) as client:
        with pytest.raises(NoAnswer):
            client.send("GET", "/x")
        released.set()


def test_a_status_that_is_not_2xx_is_refused_where_a_body_is_wanted() -> None:
    refusal = b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}"

    with client_of(lambda _, taken: (answer(taken, 2, refusal), None)[1]) as client:
        assert client.ask("GET", "/x").status == 409
        with pytest.raises(Refused, match="409"):
            client.call("GET", "/x")
