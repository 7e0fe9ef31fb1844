"""Runs the api's own server, `python -m api`, on a separate system, for tests that stress it over sockets."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.settings import Settings
from proof.kit.servers import START_DEADLINE_S, Servers
from tests.contract import wire
from tests.contract.wire import Address, Connection
from tests.contract.world import World, environment
from tests.support.databases import administer, url_of
from tests.support.stage import Stage
from workers.stores import open_stores

PROJECT = Path(__file__).parents[2]
HOST = "127.0.0.1"
#: Max seconds for an answer that nothing may delay. It takes milliseconds, but the machine may be busy.
PROMPT_S = 2.0
HEALTH = wire.head("GET", "/healthz", ("Connection", "close"))
#: Redis databases that no other tests use.
REDIS, BROKER = 30, 31

_numbers = itertools.count(1)


def _lives(process: psutil.Process) -> bool:
    """Return whether a process still runs; one that ends while it is looked at does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@dataclass(slots=True)
class Api:
    """One api server: granian's master and its forks."""

    process: subprocess.Popen[bytes]
    address: Address
    log: Path

    def forks(self) -> list[psutil.Process]:
        """Return the serving processes."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if _lives(child)]

    def serves(self, forks: int = 1) -> bool:
        """Return whether it answers, and each of its forks has accepted a connection."""
        with ExitStack() as stack:
            for _ in range(8 * forks):
                try:
                    connection = stack.enter_context(Connection(self.address))
                    connection.send(wire.head("GET", "/healthz"))
                    connection.read()
                except ConnectionError:
                    return False
            living = self.forks()
            return len(living) == forks and all(_serves(fork, self.address[1]) for fork in living)

    def output(self) -> str:
        """Return its log."""
        return self.log.read_text()


def _serves(fork: psutil.Process, port: int) -> bool:
    try:
        open_ = fork.net_connections("tcp")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_ESTABLISHED and each.laddr[1] == port for each in open_)


@contextmanager
def system(servers: Servers, template: str) -> Iterator[tuple[dict[str, str], Stage]]:
    """Make an empty system; yield the environment for servers on it, and a stage. Only one at a time."""
    name = f"front_{next(_numbers)}"
    administer(servers, f"CREATE DATABASE {name} TEMPLATE {template}")
    env = environment(url_of(servers, name), servers.redis_url(REDIS), servers.redis_url(BROKER))
    env["RATE_LIMIT_PER_S"] = "0"  # few users here represent thousands
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in env.items():
            patch.setenv(variable, value)
        stores = open_stores(Settings.from_env())
    stores.client.flushdb()
    try:
        yield env, Stage(stores)
    finally:
        stores.close()
        administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running(
    env: Mapping[str, str],
    folder: Path,
    *,
    module: str = "api",
    before: tuple[str, ...] = (),
    listener: socket.socket | None = None,
) -> Iterator[Api]:
    """Start a server, yield it, and kill it at the end. It may not answer yet; `serving` waits until it does.

    Args: before: a command that runs the command in its arguments.   listener: a listening socket to inherit.
    """
    files = () if listener is None else (listener.fileno(),)
    port = free_port() if listener is None else listener.getsockname()[1]
    command = [*before, sys.executable, "-m", module, *(("--fd", str(files[0])) if files else ())]
    ours = {"HOST": HOST, "PORT": str(port), "API_PROCESSES": "1", "PYTHONPATH": str(PROJECT)}
    log = folder / f"api-{next(_numbers)}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **ours, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=files,
        )
    api = Api(process, (HOST, port), log)
    try:
        yield api
    finally:
        left = [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
        process.kill()
        process.wait()
        for child in left:
            if child.is_running():
                child.kill()


@contextmanager
def serving(env: Mapping[str, str], folder: Path, **options: Any) -> Iterator[Api]:
    """Start a server and yield it once all its forks serve."""
    with running(env, folder, **options) as api:
        await_serving(api, int(env.get("API_PROCESSES", "1")))
        yield api


def await_serving(api: Api, forks: int = 1) -> None:
    """Wait until all forks serve. Raises AssertionError if the server ends, or does not serve in time."""
    deadline = time.monotonic() + START_DEADLINE_S
    while not api.serves(forks):
        assert api.process.poll() is None, api.output()
        assert time.monotonic() < deadline, api.output()
        time.sleep(0.02)


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Desk:
    """A client that sends the requests that nothing may delay, with a show that the server knows and a hold."""

    world: World
    show: int
    token: str
    hold: str
    _seats: Iterator[int]

    @classmethod
    def open(cls, address: Address, stage: Stage) -> Desk:
        """Make a show and a hold for it."""
        world = World("front", address, stage)
        show, token = stage.show(rows=10, seats=100), world.token()
        hold = world.booked(show, token, "A1", hold=True)["id"]
        return cls(world, show, token, hold, itertools.count(2))

    def prompt(self, *, confirm: bool = True, catalogue: bool = True, limit_s: float = PROMPT_S) -> None:
        """Send each request once. Raises AssertionError if one is refused, or takes longer than `limit_s`."""
        requests = [
            ("GET", "/healthz", "", None, 200),
            ("GET", "/readyz", "", None, 200),
            ("GET", f"/api/bookings/{self.hold}", self.token, None, 200),
            ("GET", f"/api/shows/{self.show}/seats", "", None, 200),
            ("POST", "/api/bookings", self.world.token(), {"show_id": self.show, "seats": [self._seat()]}, 202),
        ]
        if catalogue:
            requests.append(("GET", "/api/shows?limit=5", "", None, 200))
        if confirm:
            requests.append(("PATCH", f"/api/bookings/{self.hold}/confirm", self.token, None, 202))
        for method, target, token, body, status in requests:
            begun = time.monotonic()
            answer = self.world.ask(method, target, token, body)
            took = time.monotonic() - begun
            assert answer.status == status, (method, target, answer)
            assert took < limit_s, (method, target, took)

    def _seat(self) -> str:
        row, number = divmod(next(self._seats), 100)
        return f"{chr(ord('A') + row)}{number + 1}"


def ended(connections: list[Connection]) -> None:
    """Wait until the server has closed all of them. Raises TimeoutError, or AssertionError if it sent something."""
    for connection in connections:
        assert connection.ended()


def await_exit(api: Api, limit_s: float) -> float:
    """Wait until the server ends; return the seconds it took. Raises subprocess.TimeoutExpired."""
    begun = time.monotonic()
    api.process.wait(limit_s)
    return time.monotonic() - begun
