"""The ground that all contenders stand on: one Postgres, one Redis, one broker, as `onsale up` starts them.

A home of its own, removed at the end. Each measurement gets a fresh copy of a prepared database, empty
Redises, and a checkpoint behind it, so that none pays for the one before.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from core.errors import OnsaleError
from db.kv.rounds import connection_pool
from ops.prepare import prepare as prepare_stores
from ops.up.folders import remove
from ops.up.process import Launch, ProcessGroup, start
from ops.up.running import Running
from ops.up.servers import Stores, prepare
from proof.bench.halls import make_shows

DATABASE = "bench"
#: Seconds for a server to answer, to end, and for a step to be done.
START_S, STOP_S = 30.0, 10.0
TICK_S = 0.01


class BenchFailed(OnsaleError):
    """The bench cannot go on."""

    code = "bench_failed"


@dataclass(slots=True)
class Ground:
    """The running servers. `lanes`: of every prepared database."""

    home: Path
    stores: Stores
    lanes: int = 8
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    groups: dict[str, ProcessGroup] = field(default_factory=dict)
    shows: dict[str, list[int]] = field(default_factory=dict)

    @property
    def running(self) -> Running:
        """Where a contender finds everything; `base_url` is not known yet."""
        return Running(
            database_url=self.url(DATABASE),
            redis_url=self.stores.redis_url,
            broker_url=self.stores.broker_url,
            jwt_secret=self.secret,
            base_url="",
        )

    def url(self, database: str) -> str:
        """SQLAlchemy's address of one database."""
        return self.stores.database_url.replace("/onsale?", f"/{database}?")

    def template(self, name: str, capacities: Sequence[int]) -> list[int]:
        """A prepared database with shows of so many seats; their ids. Repeat: it is there."""
        if name not in self.shows:
            self.administer(f"CREATE DATABASE {name}")
            self._empty_redis()  # each template is an installation of its own
            prepare_stores(self.url(name), self.stores.redis_url, lanes=self.lanes, admin_email="", admin_password="")
            self.shows[name] = make_shows(self.url(name), capacities)
            self.execute("VACUUM (ANALYZE)", name)
        return self.shows[name]

    def fresh(self, template: str) -> None:
        """A new copy of a prepared database, and empty Redises."""
        self.administer(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        self.administer(f"CREATE DATABASE {DATABASE} TEMPLATE {template}")
        self.administer("CHECKPOINT")
        self._empty_redis()

    def _empty_redis(self) -> None:
        for url in (self.stores.redis_url, self.stores.broker_url):
            client = redis.Redis(connection_pool=connection_pool(url, socket_timeout_s=10))
            client.flushall()
            if url == self.stores.redis_url:
                _rewrite_log(client)
            client.close()

    def administer(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        self.execute(statement, "postgres")

    def execute(self, statement: str, database: str = DATABASE) -> list[Any]:
        """Run one statement of ours and return its rows, if it has any."""
        with psycopg.connect(plain(self.url(database)), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def step(self, launch: Launch, timeout_s: float) -> bytes:
        """Run a process to its end and return its output. Raises BenchFailed: it failed or took too long."""
        group = start(launch, keep_output=True)
        deadline = time.monotonic() + timeout_s
        try:
            while not group.ended():
                if time.monotonic() > deadline:
                    raise BenchFailed(f"{launch.name} is not done after {timeout_s} s.")
                time.sleep(TICK_S)
        finally:
            code = group.kill()
        if code:
            raise BenchFailed(f"{launch.name} failed (exit code {code}).")
        return group.output()

    def start(self) -> None:
        """Start the servers, one after the other."""
        for server in self.stores.servers:
            group = self.groups[server.launch.name] = start(server.launch)
            until(partial(server.ready, group.pid), START_S, server.launch.name)

    def stop(self) -> None:
        """End the servers."""
        end(self.groups.values())


def end(groups: Collection[ProcessGroup]) -> None:
    """Ask process groups to end, the last started first; kill what has not ended after STOP_S seconds."""
    for group in reversed(list(groups)):
        group.stop()
        deadline = time.monotonic() + STOP_S
        while not group.ended() and time.monotonic() < deadline:
            time.sleep(TICK_S)
        group.kill()


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition. Raises BenchFailed."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise BenchFailed(f"{what} took more than {timeout_s} s.")
        time.sleep(TICK_S)


def plain(url: str) -> str:
    """An address as psycopg wants it."""
    return url.replace("+psycopg", "")


@contextmanager
def open_ground(choice: str, lanes: int = 8) -> Iterator[Ground]:
    """The servers, running in a temporary home until the block ends."""
    home = Path(tempfile.mkdtemp(prefix="onsale-bench-")).resolve()
    try:
        ground = Ground(home, prepare(home, choice=choice), lanes)
        try:
            ground.start()
            yield ground
        finally:
            ground.stop()
    finally:
        remove(home)
        shutil.rmtree(home, ignore_errors=True)


def _rewrite_log(client: Any) -> None:
    """Make Redis's log short again: it must not do so by itself in the middle of a measurement."""

    def done() -> bool:
        told = client.info("persistence")
        return not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"])

    until(done, START_S, "The rewrite of Redis's log")
    client.bgrewriteaof()
    until(done, START_S, "The rewrite of Redis's log")
