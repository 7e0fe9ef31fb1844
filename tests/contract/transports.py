"""The two transports of the API as processes, which are started and ended here. Both read the same environment."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.up.process import Launch, ProcessGroup, start
from proof.kit.servers import START_DEADLINE_S
from proof.kit.waiting import until
from tests.contract import wire

PROJECT = Path(__file__).parents[2]
HOST = "127.0.0.1"
#: The command of each transport's process; it listens on HOST and PORT.
COMMANDS = {
    "front": (sys.executable, "-m", "api"),
    "wsgi": (sys.executable, "-m", "tests.contract.wsgi"),
}


@contextmanager
def serving(transport: str, env: Mapping[str, str]) -> Iterator[wire.Address]:
    """Start a transport's process, yield its address once it answers, and end it with SIGTERM.

    Raises: AssertionError: it ended, did not answer, or did not end in time.
    """
    port = _free_port()
    command = COMMANDS[transport]
    ours = {"HOST": HOST, "PORT": str(port), "API_PROCESSES": "1", "PYTHONPATH": str(PROJECT)}
    group = start(Launch(name=transport, command=command, cwd=PROJECT, env={**os.environ, **ours, **env}))
    try:
        _answers(group, (HOST, port))
        yield HOST, port
        group.stop()
        until(group.ended)
    finally:
        group.kill()


def _answers(group: ProcessGroup, address: wire.Address) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        assert not group.ended(), f"{group.launch.name} ended"
        assert time.monotonic() < deadline, f"{group.launch.name} does not answer"
        try:
            wire.ask(address, b"GET /healthz HTTP/1.1\r\nHost: onsale\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
