"""One contender at work: its processes are started on fresh stores, warmed up, loaded, measured and ended.

A booking counts when it is CONFIRMED in Postgres: the clock runs from the first request until the counters of all
shows include the last booking. Then the bookings themselves are counted once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import psycopg

from core.local_settings import LocalSettings
from ops.up import programs
from ops.up.address import free_port, is_ready
from ops.up.home import metrics_folder
from ops.up.process import ProcessGroup, start
from ops.verify import verify
from proof.bench import cpu, wire
from proof.bench.contenders import launches
from proof.bench.generator import Generator
from proof.bench.job import Done, Job
from proof.bench.servers import DATABASE, BenchFailed, Servers, end, plain
from proof.bench.sql.tables import CONFIRMED, SEATS_SOLD, SOLD
from proof.kit.waiting import until

#: Seconds between two reads of the counters.
LOOK_S = 0.02
#: Seconds until a contender must be ready, and until a load must be done.
READY_S, LOAD_S = 60.0, 120.0
#: A booking: show, seat. Its number determines the buyer.
Pick = tuple[int, str]


@dataclass(slots=True)
class Result:
    """One measured load. `cpu_s`: CPU seconds per kind of process, `generator` among them."""

    contender: str
    count: int
    seconds: float
    cpu_s: dict[str, float]
    done: Done
    violations: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Bookings (or requests) per second."""
        return self.count / self.seconds if self.seconds else 0.0

    def cpu_us(self, *kinds: str) -> float:
        """Return the CPU microseconds per booking of these kinds of processes; by default all but the generator."""
        wanted = kinds or tuple(kind for kind in self.cpu_s if kind != "generator")
        return sum(self.cpu_s.get(kind, 0.0) for kind in wanted) / max(1, self.count) * 1e6


class Contest:
    """A running contender, as `contest` yields it."""

    def __init__(self, servers: Servers, generator: Generator, name: str, port: int) -> None:
        self.servers = servers
        self.generator = generator
        self.name = name
        self.port = port
        self.groups: dict[str, ProcessGroup] = {}
        self._buyers = 0

    def book(self, picks: Sequence[Pick], **job: Any) -> Result:
        """Book distinct seats, all of which are free, and wait until all are CONFIRMED.

        Args:    job: prefer_s, or other fields of Job: follow, rate, connections, deadline_s, keep_ids.
        Raises:  BenchFailed: some were not confirmed.
        """
        made = self.job(picks, **job)
        with psycopg.connect(plain(self.servers.url(DATABASE)), autocommit=True) as connection:
            sold = _number(connection, SOLD)
            before = self._used()
            begun = time.perf_counter()
            self.generator.begin(made)
            seconds = self._wait(connection, sold + len(picks), begun)
            done = self.generator.end()
            used = self._spent(before, done)
            if seconds is None:
                counts = f"codes {dict(done.codes)}, outcomes {dict(done.outcomes)}, lost {done.lost}"
                raise BenchFailed(f"{self.name}: not all of {len(picks)} bookings were confirmed: {counts}.")
            confirmed, seats = _number(connection, CONFIRMED), connection.execute(SEATS_SOLD).fetchone()
        if seats != (confirmed, confirmed) or confirmed != sold + len(picks):
            raise BenchFailed(f"{self.name}: {confirmed} bookings are confirmed, and {seats} seats are sold.")
        return Result(self.name, len(picks), seconds, used, done)

    def follow(self, picks: Sequence[Pick], *, connections: int) -> Result:
        """Request seats, more than are free, until every outcome is final."""
        before = self._used()
        done = self.generator.run(self.job(picks, follow="poll", connections=connections))
        return Result(self.name, len(picks), done.seconds, self._spent(before, done), done)

    def ask(self, requests: Sequence[bytes], **job: Any) -> Result:
        """Send requests that are answered immediately, and count the answers."""
        before = self._used()
        done = self.generator.run(Job(port=self.port, requests=list(requests), deadline_s=LOAD_S, **job))
        return Result(self.name, sum(done.codes.values()), done.seconds, self._spent(before, done), done)

    def job(self, picks: Sequence[Pick], *, deadline_s: float = LOAD_S, prefer_s: int = 0, **job: Any) -> Job:
        """Return the job with a request for each pick, each from a different buyer; `prefer_s`: as in wire."""
        first, self._buyers = self._buyers + 1, self._buyers + len(picks)
        tokens = [wire.buyer_token(self.servers.secret, first + n) for n in range(len(picks))]
        requests = [
            wire.post_booking(show_id, seat, token, f"key-{first + n}", prefer_s)
            for n, ((show_id, seat), token) in enumerate(zip(picks, tokens, strict=True))
        ]
        return Job(port=self.port, requests=requests, tokens=tokens, deadline_s=deadline_s, **job)

    def _wait(self, connection: psycopg.Connection, wanted: int, begun: float) -> float | None:
        """Return the seconds until `wanted` seats are sold; None if they are not 15 s after the load has ended."""
        ended_at = None
        while _number(connection, SOLD) < wanted:
            now = time.perf_counter()
            if ended_at is None and self.generator.finished:
                ended_at = now
            if now - (ended_at or now) > 15.0 or now - begun > 2 * LOAD_S:
                return None
            time.sleep(LOOK_S)
        return time.perf_counter() - begun

    def _used(self) -> dict[str, float]:
        pids = {name: group.pid for name, group in {**self.servers.groups, **self.groups}.items()}
        return cpu.used_s(pids)

    def _spent(self, before: dict[str, float], done: Done) -> dict[str, float]:
        return {**cpu.since(before, self._used()), "generator": done.cpu_s}


@contextmanager
def contest(
    servers: Servers,
    generator: Generator,
    name: str,
    template: str,
    *,
    workers: int = 2,
    api_database_url: str = "",
    env: Mapping[str, str] | None = None,
) -> Iterator[Contest]:
    """Yield a contender that is ready, on a fresh copy of the template; it ends with the block.

    Args: api_database_url: the address of Postgres for the api alone, if it differs from the others'.
          env: settings for all its processes.
    """
    servers.fresh(template)
    settings = replace(LocalSettings.from_env(), home=servers.home, workers=workers, lanes=servers.lanes)
    settings = replace(settings, host="127.0.0.1", port=free_port("127.0.0.1"))
    env = {**programs.environment(settings, servers.running, metrics_folder(servers.home)), **(env or {})}
    running = Contest(servers, generator, name, settings.port)
    try:
        for launch in launches(name, settings, env):
            if launch.name == "api" and api_database_url:
                launch = replace(launch, env={**launch.env, "DATABASE_URL": api_database_url})
            running.groups[launch.name] = start(launch)
        until(partial(_ready, settings.port), READY_S, f"The start of {name}")
        yield running
    finally:
        end(running.groups.values())


def proven(servers: Servers, result: Result) -> Result:
    """Return the result with the violations that `onsale verify` finds in the database now."""
    return replace(result, violations=verify(servers.url(DATABASE)).violations)


def _ready(port: int) -> bool:
    return asyncio.run(is_ready("127.0.0.1", port))


def _number(connection: psycopg.Connection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0
