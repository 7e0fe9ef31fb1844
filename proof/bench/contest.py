"""One contender at work: its processes started on fresh ground, warmed up, loaded, measured, ended.

A booking counts when it is CONFIRMED in Postgres: the clock runs from the first request until the counters of
all shows say that the last one is, and the bookings are counted once more when it has stopped.
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
from proof.bench.ground import DATABASE, BenchFailed, Ground, end, plain, until
from proof.bench.job import Done, Job
from proof.bench.sql.tables import CONFIRMED, SEATS_SOLD, SOLD

#: Seconds between two looks at the counters.
LOOK_S = 0.02
#: Seconds until a contender must be ready, and until a load must be through.
READY_S, LOAD_S = 60.0, 120.0
#: A booking: show, seat. Who books it follows from its number.
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
        """CPU microseconds per booking of these kinds of processes, of all but the generator by default."""
        wanted = kinds or tuple(kind for kind in self.cpu_s if kind != "generator")
        return sum(self.cpu_s.get(kind, 0.0) for kind in wanted) / max(1, self.count) * 1e6


class Contest:
    """A running contender. Make one with `contest`."""

    def __init__(self, ground: Ground, generator: Generator, name: str, port: int) -> None:
        self.ground = ground
        self.generator = generator
        self.name = name
        self.port = port
        self.groups: dict[str, ProcessGroup] = {}
        self._buyers = 0

    def book(self, picks: Sequence[Pick], **job: Any) -> Result:
        """Book distinct seats, all of which can be had, and wait until all are CONFIRMED.

        Args:    job: what else Job takes: follow, rate, connections, deadline_s, keep_ids.
        Raises:  BenchFailed: some were not confirmed.
        """
        made = self.job(picks, **job)
        with psycopg.connect(plain(self.ground.url(DATABASE)), autocommit=True) as connection:
            sold = _number(connection, SOLD)
            before = self._used()
            begun = time.perf_counter()
            self.generator.begin(made)
            seconds = self._wait(connection, sold + len(picks), begun)
            done = self.generator.end()
            used = self._spent(before, done)
            if seconds is None:
                told = f"codes {dict(done.codes)}, outcomes {dict(done.outcomes)}, lost {done.lost}"
                raise BenchFailed(f"{self.name}: not all of {len(picks)} bookings were confirmed: {told}.")
            confirmed, seats = _number(connection, CONFIRMED), connection.execute(SEATS_SOLD).fetchone()
        if seats != (confirmed, confirmed) or confirmed != sold + len(picks):
            raise BenchFailed(f"{self.name}: {confirmed} bookings are confirmed, and {seats} seats are sold.")
        return Result(self.name, len(picks), seconds, used, done)

    def follow(self, picks: Sequence[Pick], *, connections: int) -> Result:
        """Ask for seats, not all of which can be had, until everybody's outcome stands."""
        before = self._used()
        done = self.generator.run(self.job(picks, follow="poll", connections=connections))
        return Result(self.name, len(picks), done.seconds, self._spent(before, done), done)

    def ask(self, requests: Sequence[bytes], **job: Any) -> Result:
        """Send requests, each answered at once; counts those that were."""
        before = self._used()
        done = self.generator.run(Job(port=self.port, requests=list(requests), deadline_s=LOAD_S, **job))
        return Result(self.name, sum(done.codes.values()), done.seconds, self._spent(before, done), done)

    def job(self, picks: Sequence[Pick], *, deadline_s: float = LOAD_S, **job: Any) -> Job:
        """The requests for these picks, each of a buyer of its own."""
        first, self._buyers = self._buyers + 1, self._buyers + len(picks)
        tokens = [wire.buyer_token(self.ground.secret, first + n) for n in range(len(picks))]
        requests = [
            wire.post_booking(show_id, seat, token, f"key-{first + n}")
            for n, ((show_id, seat), token) in enumerate(zip(picks, tokens, strict=True))
        ]
        return Job(port=self.port, requests=requests, tokens=tokens, deadline_s=deadline_s, **job)

    def _wait(self, connection: psycopg.Connection, wanted: int, begun: float) -> float | None:
        """Seconds until so many seats are sold; None if the load has ended and they are not."""
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
        pids = {name: group.pid for name, group in {**self.ground.groups, **self.groups}.items()}
        return cpu.used_s(pids)

    def _spent(self, before: dict[str, float], done: Done) -> dict[str, float]:
        return {**cpu.since(before, self._used()), "generator": done.cpu_s}


@contextmanager
def contest(
    ground: Ground,
    generator: Generator,
    name: str,
    template: str,
    *,
    workers: int = 2,
    api_database_url: str = "",
    env: Mapping[str, str] | None = None,
) -> Iterator[Contest]:
    """A contender on a fresh copy of the template, ready; ended when the block ends.

    Args: api_database_url: where the api alone finds Postgres, if not where all do.
          env: settings of all its processes.
    """
    ground.fresh(template)
    settings = replace(LocalSettings.from_env(), home=ground.home, workers=workers, lanes=ground.lanes)
    settings = replace(settings, host="127.0.0.1", port=free_port("127.0.0.1"))
    told = {**programs.environment(settings, ground.running, metrics_folder(ground.home)), **(env or {})}
    running = Contest(ground, generator, name, settings.port)
    try:
        for launch in launches(name, settings, told):
            if launch.name == "api" and api_database_url:
                launch = replace(launch, env={**launch.env, "DATABASE_URL": api_database_url})
            running.groups[launch.name] = start(launch)
        until(partial(_ready, settings.port), READY_S, f"The start of {name}")
        yield running
    finally:
        end(running.groups.values())


def proven(ground: Ground, result: Result) -> Result:
    """The result with what `onsale verify` finds in the database now."""
    return replace(result, violations=verify(ground.url(DATABASE)).violations)


def _ready(port: int) -> bool:
    return asyncio.run(is_ready("127.0.0.1", port))


def _number(connection: psycopg.Connection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0
