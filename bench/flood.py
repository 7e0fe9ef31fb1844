"""Overload of the workers: bookings come several times faster than they can be decided, for minutes.

The drain is throttled by a slow disk: Postgres sleeps at each commit (`commit_delay`), and batches are small. So the
workers wait, as they would for a real disk, and the limit is theirs alone: api and generator have the CPU they need.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psycopg
import redis

from bench.contest import Contest, Pick, contest
from bench.generator import Generator
from bench.ground import DATABASE, Ground, plain, until
from bench.halls import label
from bench.load import Done
from db import keys
from db.rounds import connection_pool
from local.verify import verify

#: One show per lane. How long a commit takes, and how many operations share one.
SHOWS, COMMIT_US, BATCH = 4, 50_000, 8
#: Entries that a lane may hold here: some seconds of the drain's work.
CAP = 500
#: Times the peak that is offered, over so many connections, in pieces of so many seconds.
FACTOR, CONNECTIONS, PIECE_S = 5, 128, 20.0
#: Seats of a show per second of load: more than a lane can decide, so that nobody is refused for want of seats.
SEATS_PER_S, SPARE_S = 200, 60
SAMPLE_S, EMPTY_S = 0.25, 120.0
FULL_SHARE = 0.9
DECIDED = b"SELECT COALESCE(sum(seq), 0)::bigint FROM lanes"


@dataclass(slots=True)
class Sample:
    """One look. `at`: seconds of the clock; `waiting`: entries per lane; `decided`: by all lanes so far."""

    at: float
    waiting: list[int]
    memory: int
    decided: int


@dataclass(slots=True)
class Flood:
    """What came of it. Rates are per second; `lost`: accepted, but without an outcome in Postgres."""

    peak: float
    offered: float = 0.0
    decided: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)
    refused_ms: list[float] = field(default_factory=list)
    broken: int = 0
    samples: list[Sample] = field(default_factory=list)
    memory_limit: int = 0
    accepted: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def at_cap(self) -> list[Sample]:
        """The looks from the first at which every lane was full."""
        first = next((n for n, each in enumerate(self.samples) if min(each.waiting) >= FULL_SHARE * CAP), None)
        return [] if first is None else self.samples[first:]


def flood(ground: Ground, generator: Generator, seconds: float, tell: Callable[[str], None]) -> Flood:
    """Measure the throttled peak, then offer FACTOR times that for so long, and look for everything accepted."""
    capacity = SEATS_PER_S * (int(seconds) + SPARE_S)
    shows = ground.template("flood", [capacity] * SHOWS)
    with _slow_commits(ground), contest(ground, generator, "onsale", "flood", env=_limits()) as running:
        seats = _seats(shows, capacity)
        tell("(a) the workers' peak: lanes are filled, then emptied")
        with _Watch(ground) as watch:
            first = _fill(running, seats)
            found = Flood(_peak(watch))
            tell(f"(a) the peak is {found.peak:,.0f} decided/s; {FACTOR} times that for {seconds:,.0f} s")
            earlier = len(watch.samples)
            ids = first + _offer(running, seats, found, seconds)
            found.samples, found.memory_limit = watch.samples[earlier:], watch.memory_limit
            tell("(a) over; what was accepted is waited for")
            until(lambda: sum(watch.samples[-1].waiting) == 0, EMPTY_S, "The work that was accepted")
    counted = found.at_cap
    if len(counted) > 1:
        found.decided = (counted[-1].decided - counted[0].decided) / (counted[-1].at - counted[0].at)
    known = {str(row[0]) for row in ground.execute("SELECT id FROM bookings WHERE status IN ('CONFIRMED', 'FAILED')")}
    found.accepted, found.lost = len(ids), len(set(ids) - known)
    found.violations = verify(ground.url(DATABASE)).violations
    return found


def _limits() -> dict[str, str]:
    return {"BATCH": str(BATCH), "LANE_CAP": str(CAP)}


def _seats(shows: list[int], capacity: int) -> Iterator[Pick]:
    """One seat after the other, show after show; when all have been asked for, once more from the first."""
    number = 0
    while True:
        yield shows[number % len(shows)], label(number // len(shows) % capacity)
        number += 1


def _fill(running: Contest, seats: Iterator[Pick]) -> list[str]:
    """Fill the lanes as fast as the api accepts; the ids of what it took."""
    picks = [next(seats) for _ in range(SHOWS * CAP)]
    done = running.generator.run(running.job(picks, connections=CONNECTIONS, keep_ids=True))
    return [each for each in done.ids if each]


def _peak(watch: _Watch) -> float:
    """Decided per second while the full lanes are emptied and nobody asks for anything."""
    begun = watch.look()
    until(
        lambda: watch.samples[-1].at > begun.at and min(watch.samples[-1].waiting) <= CAP // 10, EMPTY_S, "The peak"
    )
    ended = watch.samples[-1]
    return (ended.decided - begun.decided) / (ended.at - begun.at)


def _offer(running: Contest, seats: Iterator[Pick], found: Flood, seconds: float) -> list[str]:
    """Send FACTOR times the peak; each piece is made while the one before is under way. Ids of what was taken."""
    rate, left_s, ids = FACTOR * found.peak, seconds, list[str]()
    begun = time.perf_counter()

    def piece(length_s: float) -> Any:
        picks = [next(seats) for _ in range(max(1, int(rate * length_s)))]
        return running.job(picks, rate=rate, connections=CONNECTIONS, keep_ids=True, deadline_s=length_s + 30)

    job = piece(min(left_s, PIECE_S))
    while left_s > 0:
        running.generator.begin(job)
        left_s -= PIECE_S
        if left_s > 0:
            job = piece(min(left_s, PIECE_S))
        ids += _count(found, running.generator.end())
    found.offered = (found.codes.total() + found.broken) / (time.perf_counter() - begun)
    return ids


def _count(found: Flood, done: Done) -> list[str]:
    found.codes += done.codes
    found.refused_ms += done.refused_ms
    found.broken += done.lost
    return [each for each in done.ids if each]


@contextmanager
def _slow_commits(ground: Ground) -> Iterator[None]:
    """Each commit takes COMMIT_US microseconds more until the block ends."""
    try:
        for change in (f"SET commit_delay = {COMMIT_US}", "SET commit_siblings = 0"):
            ground.administer(f"ALTER SYSTEM {change}")
        ground.administer("SELECT pg_reload_conf()")
        yield
    finally:
        for name in ("commit_delay", "commit_siblings"):
            ground.administer(f"ALTER SYSTEM RESET {name}")
        ground.administer("SELECT pg_reload_conf()")


class _Watch:
    """Looks at the lanes and at Redis's memory from a thread, from `with` to the end of the block."""

    def __init__(self, ground: Ground) -> None:
        self._database = psycopg.connect(plain(ground.url(DATABASE)), autocommit=True)
        self._client: Any = redis.Redis(connection_pool=connection_pool(ground.stores.redis_url, socket_timeout_s=5))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.samples: list[Sample] = []
        self.memory_limit = int(self._client.info("memory")["maxmemory"])

    def __enter__(self) -> _Watch:
        self.samples.append(self.look())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()
        self._database.close()

    def look(self) -> Sample:
        """How things stand now."""
        row = self._database.execute(DECIDED).fetchone()
        waiting = [self._client.xlen(keys.lane(lane)) for lane in range(SHOWS)]
        return Sample(time.perf_counter(), waiting, self._client.info("memory")["used_memory"], row[0] if row else 0)

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.samples.append(self.look())
