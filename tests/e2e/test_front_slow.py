"""Slow and silent clients: they occupy no thread, lose their connection in the end, and delay nobody else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psutil
import pytest

from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Connection
from tests.e2e.front import Api, Desk, ended, serving, system
from tests.e2e.impatient import BODY_S
from tests.support.stage import Stage

SLOW, SILENT, READERS, RECEIVE_BYTES = 200, 20, 60, 4096
#: Number and bytes of large answers. The kernel buffers about three megabytes for a reader on the same machine.
LARGE, LARGE_BYTES = 4, 1_500_000
KEEP_ALIVE_S = 1
#: Extra seconds, because the machine may be busy.
LATE_S = 10.0


@pytest.fixture(scope="module")
def own(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Stage]]:
    with system(servers, template) as (env, stage):
        env = {**env, "KEEP_ALIVE_S": str(KEEP_ALIVE_S)}
        with serving(env, tmp_path_factory.mktemp("api"), module="tests.e2e.impatient") as api:
            yield api, stage


def test_bodies_that_never_come_hold_nobody_up_and_are_ended(own: tuple[Api, Stage]) -> None:
    api, stage = own
    desk = Desk.open(api.address, stage)
    token, admin = desk.token, desk.world.admin_token()
    announced = [
        wire.head("POST", target, ("Authorization", f"Bearer {who}"), ("Content-Type", "application/json"), framing)
        for target, who in (("/api/auth/login", ""), ("/api/bookings", token), ("/api/halls", admin))
        for framing in (("Content-Length", "100"), ("Transfer-Encoding", "chunked"))
    ]

    with ExitStack() as stack:
        slow = [stack.enter_context(Connection(api.address)) for _ in range(SLOW)]
        begun = time.monotonic()
        for number, connection in enumerate(slow):
            connection.send(announced[number % len(announced)])
        desk.prompt()
        answers = [connection.read() for connection in slow]
        ended(slow)
        took = time.monotonic() - begun

    assert {(answer.status, answer.json["code"]) for answer in answers} == {(408, "request_timeout")}
    assert {answer.one("connection") for answer in answers} == {"close"}
    assert BODY_S <= took < BODY_S + LATE_S


def test_a_body_that_drips_is_ended_as_well(own: tuple[Api, Stage]) -> None:
    api, stage = own
    token = Desk.open(api.address, stage).token
    lines = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
    begun = time.monotonic()

    with Connection(api.address) as connection:
        connection.send(wire.head("POST", "/api/bookings", *lines, ("Content-Length", "10000")))
        while connection.silent(0.1):
            connection.send(b" ")
            assert time.monotonic() - begun < BODY_S + LATE_S
        answer = connection.read()

    assert answer.status == 408


@pytest.mark.parametrize(
    "begins",
    [b"", b"GET /healthz HTT", wire.head("GET", "/healthz")[:-2], wire.head("GET", "/healthz")],
    ids=["silent", "half a line", "half the headers", "idle after an answer"],
)
def test_a_connection_that_has_gone_silent_is_closed(own: tuple[Api, Stage], begins: bytes) -> None:
    api, _ = own
    whole = begins.endswith(b"\r\n\r\n")

    with ExitStack() as stack:
        silent = [stack.enter_context(Connection(api.address)) for _ in range(SILENT)]
        begun = time.monotonic()
        for connection in silent:
            connection.send(begins)
        if whole:
            assert {connection.read().status for connection in silent} == {200}
        for connection in silent:
            _closed(connection)
        took = time.monotonic() - begun

    assert KEEP_ALIVE_S * 0.9 <= took < KEEP_ALIVE_S + LATE_S


def _closed(connection: Connection) -> None:
    """Assert that the server closes the connection, after a 408 or nothing."""
    try:
        assert connection.read().status == 408
    except ConnectionError:
        return
    assert connection.ended()


def test_who_reads_a_large_answer_slowly_holds_no_thread(own: tuple[Api, Stage]) -> None:
    api, stage = own
    desk = Desk.open(api.address, stage)

    with ExitStack() as stack:
        readers = [stack.enter_context(_slow_reader(api.address)) for _ in range(READERS)]
        for reader in readers:
            assert reader.recv(12) == b"HTTP/1.1 200"
        desk.prompt()


def test_who_reads_nothing_of_an_answer_is_let_go(own: tuple[Api, Stage]) -> None:
    api, _ = own
    [fork] = api.forks()
    until(lambda: not _open(fork))

    with _slow_reader(api.address) as reader:
        until(lambda: len(_open(fork)) == 1)
        until(lambda: not _open(fork))
        begun = b""
        with suppress(ConnectionError):
            while part := reader.recv(1 << 16):
                begun += part

    assert begun.startswith(b"HTTP/1.1 200")
    assert len(begun) < LARGE * LARGE_BYTES


def _open(fork: psutil.Process) -> list[Any]:
    """Return the clients' connections to a process."""
    port = next(each.laddr[1] for each in fork.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
    living = (psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT)
    return [each for each in fork.net_connections("tcp") if each.laddr[1] == port and each.status in living]


def _slow_reader(address: wire.Address) -> socket.socket:
    """Return a client that has requested more than the kernel buffers, with a receive buffer of a few kilobytes."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    reader.settimeout(wire.HANG_S)
    reader.connect(address)
    reader.sendall(wire.head("GET", "/docs/swagger-ui-bundle.js") * LARGE)
    return reader
