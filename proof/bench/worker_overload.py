"""Overload of the workers: for minutes, bookings arrive several times faster than they can be decided.

The drain is throttled as by a slow disk: Postgres sleeps at each commit (`commit_delay`), and batches are small. So
the
workers wait instead of computing, and only they are the bottleneck: api and generator have the CPU they need.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import overload

from ops.verify import verify
from proof.bench import wire
from proof.bench.contest import Contest, contest
from proof.bench.generator import Generator
from proof.bench.halls import label
from proof.bench.job import Done, Job
from proof.bench.servers import DATABASE, Servers
from proof.bench.sql.tables import OUTCOMES, RELOAD
from proof.bench.watch import Sample, Watch, between, decided_per_s
from proof.kit.waiting import until

#: Shows (one per lane), microseconds added to a commit, and operations per batch: some 200 are decided per second, so
#: FACTOR times as many requests are far below what the api and the generator can do on two cores.
SHOWS, COMMIT_US, BATCH = 4, 100_000, 5
#: The cap of a lane here, in entries: ten seconds of the drain's work.
CAP = 500
#: How many times the peak is offered, and over how many connections.
FACTOR, CONNECTIONS = 5, 128
#: The buyers, who send requests in turn.
BUYERS = 19_997
#: Seats of a show per second of load, seconds to spare, and most seats: more than are requested, so that no booking
#: fails for lack of seats.
SEATS_PER_S, SPARE_S, MOST_SEATS = 300, 30, 200_000
#: Most seconds to wait for the lanes to empty.
PATIENCE_S = 60.0
#: The share of its cap from which a lane counts as full.
FULL_SHARE = 0.9


@dataclass(slots=True)
class WorkerOverload:
    """The result. Rates are per second, latencies in milliseconds.

    peaks: decided with full lanes and no requests arriving, before and after.   lost: accepted, without an outcome.
    busy: the generator's share of a core.   memory_limit: Redis's maxmemory in bytes.
    """

    peaks: list[float] = field(default_factory=list)
    offered: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)
    refused_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    busy: float = 0.0
    broken: int = 0
    samples: list[Sample] = field(default_factory=list)
    memory_limit: int = 0
    accepted: int = 0
    lost: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """The better peak, with which the rate under load is compared."""
        return max(self.peaks, default=0.0)

    @property
    def at_cap(self) -> list[Sample]:
        """The samples from the first one at which every lane was full."""
        first = next((n for n, each in enumerate(self.samples) if min(each.waiting) >= FULL_SHARE * CAP), None)
        return [] if first is None else self.samples[first:]

    @property
    def decided(self) -> float:
        """The rate at which operations were decided while the lanes were full and requests arrived."""
        return decided_per_s(self.at_cap)


@dataclass(frozen=True, slots=True)
class Bookings(Sequence[bytes]):
    """Requests from number `first` on, each built when it is sent, which saves memory and a pause before the load.

    Each is for another seat, with shows and buyers in turn.
    """

    shows: list[int]
    capacity: int
    tokens: list[str]
    first: int
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(self.length))]
        if not 0 <= at < self.length:
            raise IndexError(at)
        number = self.first + at
        seat = label(number // len(self.shows) % self.capacity)
        show_id, token = self.shows[number % len(self.shows)], self.tokens[number % len(self.tokens)]
        return wire.post_booking(show_id, seat, token, f"flood-{number}")


def overload_workers(
    servers: Servers, generator: Generator, seconds: float, tell: Callable[[str], None]
) -> WorkerOverload:
    """Measure the throttled peak, offer FACTOR times that for `seconds`, measure it again, and check all accepted."""
    capacity = min(MOST_SEATS, SEATS_PER_S * (int(seconds) + SPARE_S))
    shows = servers.template("flood", [capacity] * SHOWS)
    tokens = [wire.buyer_token(servers.secret, number) for number in range(BUYERS)]
    found = WorkerOverload()
    env = {"BATCH": str(BATCH), "LANE_CAP": str(CAP), "SHOW_SHARE": "100"}
    with (
        _slow_commits(servers),
        contest(servers, generator, "onsale", "flood", env=env) as running,
        Watch(servers) as watch,
    ):
        tell("(a) the workers' peak: lanes are filled, then emptied")
        picks = Bookings(shows, capacity, tokens, 0, SHOWS * CAP)
        ids = _send(running, picks, 0.0).ids
        found.peaks.append(_peak(watch))
        rate = FACTOR * found.peak
        tell(f"(a) the peak is {found.peak:,.0f} decided/s; {rate:,.0f} are offered for {seconds:,.0f} s")
        begun = time.perf_counter()
        done = _send(running, Bookings(shows, capacity, tokens, len(picks), int(rate * seconds)), rate)
        count(found, done, between(watch.samples, begun, begun + done.seconds))
        tell("(a) the load is over; the lanes are emptied once more")
        found.peaks.append(_peak(watch))
        until(lambda: sum(watch.last.waiting) == 0, PATIENCE_S, "The work that was accepted")
        found.memory_limit = watch.memory_limit
        wanted = {each for each in (*ids, *done.ids) if each}
        rows = servers.execute(OUTCOMES)
        found.accepted, found.lost = len(wanted), len(wanted - {str(row[0]) for row in rows})
        found.violations = verify(servers.url(DATABASE)).violations
    return found


def count(found: WorkerOverload, done: Done, samples: list[Sample]) -> None:
    """Copy the figures of the generator and the samples. Requests that were never sent do not count as offered."""
    found.codes, found.broken = done.codes, done.lost
    found.refused_ms, found.late_ms = done.refused_ms, done.late_ms
    found.offered = (done.codes.total() + done.lost) / done.seconds
    found.busy = done.cpu_s / done.seconds
    found.samples = samples


def _send(running: Contest, requests: Bookings, rate: float) -> Done:
    """Send the requests at this rate per second, or, if it is 0, as fast as they are answered."""
    deadline_s = (len(requests) / rate if rate else 0.0) + PATIENCE_S
    job = Job(
        port=running.port, requests=requests, rate=rate, connections=CONNECTIONS, keep_ids=True, deadline_s=deadline_s
    )
    return running.generator.run(job)


def _peak(watch: Watch) -> float:
    """Return the operations decided per second while full lanes are emptied and no requests arrive."""
    begun = time.perf_counter()
    until(lambda: watch.last.at > begun and min(watch.last.waiting) <= CAP // 10, PATIENCE_S, "The peak")
    return decided_per_s(between(watch.samples, begun, time.perf_counter()))


@contextmanager
def _slow_commits(servers: Servers) -> Iterator[None]:
    """Make each commit take COMMIT_US microseconds longer until the block ends."""
    try:
        for change in (f"SET commit_delay = {COMMIT_US}", "SET commit_siblings = 0"):
            servers.administer(f"ALTER SYSTEM {change}")
        servers.administer(RELOAD)
        yield
    finally:
        for name in ("commit_delay", "commit_siblings"):
            servers.administer(f"ALTER SYSTEM RESET {name}")
        servers.administer(RELOAD)
