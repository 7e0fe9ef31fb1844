"""The servers that all contenders use: one Postgres, one Redis, one broker, as `onsale up` starts them.

They have their own home, which is removed at the end. Each measurement begins with a fresh copy of a prepared
database, empty Redis servers and a checkpoint, so that none pays for the one before.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from core.errors import OnsaleError
from db.kv.rounds import connection_pool
from ops.bootstrap import bootstrap
from ops.up.folders import remove
from ops.up.process import Launch, ProcessGroup, start
from ops.up.running import RunningSystem
from ops.up.servers import ServerSet, prepare_servers
from proof.bench.halls import make_shows
from proof.kit.waiting import until, within

DATABASE = "bench"
#: Seconds for a server to answer, and to end.
START_S, STOP_S = 30.0, 10.0


class BenchFailed(OnsaleError):
    """A measurement failed."""

    code = "bench_failed"


@dataclass(slots=True)
class Servers:
    """The running servers. `lanes`: LANES of every prepared database."""

    home: Path
    stores: ServerSet
    lanes: int = 8
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    groups: dict[str, ProcessGroup] = field(default_factory=dict)
    shows: dict[str, list[int]] = field(default_factory=dict)

    @property
    def running(self) -> RunningSystem:
        """The addresses and the secret for a contender; `base_url` is not known yet."""
        return RunningSystem(
            database_url=self.url(DATABASE),
            redis_url=self.stores.redis_url,
            broker_url=self.stores.broker_url,
            jwt_secret=self.secret,
            base_url="",
        )

    def url(self, database: str) -> str:
        """Return SQLAlchemy's address of one database."""
        return self.stores.database_url.replace("/onsale?", f"/{database}?")

    def template(self, name: str, capacities: Sequence[int]) -> list[int]:
        """Make a prepared database with a show per capacity, unless it exists. Returns the shows' ids."""
        if name not in self.shows:
            self.administer(f"CREATE DATABASE {name}")
            self._empty_redis()  # each template is a separate installation
            bootstrap(self.url(name), self.stores.redis_url, lanes=self.lanes, admin_email="", admin_password="")
            self.shows[name] = make_shows(self.url(name), capacities)
            self.execute("VACUUM (ANALYZE)", name)
        return self.shows[name]

    def fresh(self, template: str) -> None:
        """Make a new copy of a prepared database, and empty both Redis servers."""
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
        """Run one statement, and return its rows if it has any."""
        with psycopg.connect(plain(self.url(database)), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def step(self, launch: Launch, timeout_s: float) -> bytes:
        """Run a process to its end, and return its output. Raises: BenchFailed (it failed), TimedOut."""
        group = start(launch, keep_output=True)
        try:
            until(group.ended, timeout_s, f"The end of {launch.name}")
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
    """Stop process groups, the last started first; kill each that has not ended after STOP_S seconds."""
    for group in reversed(list(groups)):
        group.stop()
        within(group.ended, STOP_S)
        group.kill()


def plain(url: str) -> str:
    """Return an address in psycopg's form."""
    return url.replace("+psycopg", "")


@contextmanager
def open_servers(choice: str, lanes: int = 8) -> Iterator[Servers]:
    """Yield the servers, which run in a temporary home until the block ends."""
    home = Path(tempfile.mkdtemp(prefix="onsale-bench-")).resolve()
    try:
        servers = Servers(home, prepare_servers(home, choice=choice), lanes)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
    finally:
        remove(home)
        shutil.rmtree(home, ignore_errors=True)


def _rewrite_log(client: Any) -> None:
    """Rewrite Redis's append-only file now, so that it does not rewrite itself in the middle of a measurement."""

    def done() -> bool:
        state = client.info("persistence")
        return not (state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

    until(done, START_S, "The rewrite of Redis's log")
    client.bgrewriteaof()
    until(done, START_S, "The rewrite of Redis's log")
