"""Overload of the workers: bookings come several times faster than they can be decided, for minutes.

The drain is throttled by a slow disk: Postgres sleeps at each commit (`commit_delay`), and batches are small. So the
workers wait, as they would for a real disk, and the limit is theirs alone: api and generator have the CPU they need.
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
from proof.bench.ground import DATABASE, Ground, until
from proof.bench.halls import label
from proof.bench.job import Done, Job
from proof.bench.sql.tables import OUTCOMES, RELOAD
from proof.bench.watch import Sample, Watch, between, decided_per_s

#: One show per lane. How much longer a commit takes, and how many operations share one: some 200 decided per second,
#: so that FACTOR times as many requests are far from what the api and the generator can do on two cores.
SHOWS, COMMIT_US, BATCH = 4, 100_000, 5
#: Entries that a lane may hold here: ten seconds of the drain's work.
CAP = 500
#: Times the peak that is offered, over so many connections.
FACTOR, CONNECTIONS = 5, 128
#: People who ask, again and again, one after the other.
BUYERS = 19_997
#: Seats of a show per second of load: more than are asked for, so that nobody fails for want of seats.
SEATS_PER_S, SPARE_S, MOST_SEATS = 300, 30, 200_000
PATIENCE_S = 60.0
#: A lane is full with so much of its cap.
FULL_SHARE = 0.9


@dataclass(slots=True)
class Flood:
    """What came of it. Rates are per second.

    peaks: decided, with full lanes and nobody asking, before and after.   lost: accepted, without an outcome.
    busy: the generator's share of a core.
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
        """The better one: what is decided under load is compared with it."""
        return max(self.peaks, default=0.0)

    @property
    def at_cap(self) -> list[Sample]:
        """The looks from the first at which every lane was full."""
        first = next((n for n, each in enumerate(self.samples) if min(each.waiting) >= FULL_SHARE * CAP), None)
        return [] if first is None else self.samples[first:]

    @property
    def decided(self) -> float:
        """Decided while the lanes were full and everybody asked."""
        return decided_per_s(self.at_cap)


@dataclass(frozen=True, slots=True)
class Bookings(Sequence[bytes]):
    """Requests from number `first` on, each made when it is sent: minutes of them need neither memory nor a pause.

    Each is for another seat, show after show; the buyers take turns.
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


def flood(ground: Ground, generator: Generator, seconds: float, tell: Callable[[str], None]) -> Flood:
    """Measure the throttled peak, offer FACTOR times that for so long, measure it again, look for all accepted."""
    capacity = min(MOST_SEATS, SEATS_PER_S * (int(seconds) + SPARE_S))
    shows = ground.template("flood", [capacity] * SHOWS)
    tokens = [wire.buyer_token(ground.secret, number) for number in range(BUYERS)]
    found = Flood()
    env = {"BATCH": str(BATCH), "LANE_CAP": str(CAP), "SHOW_SHARE": "100"}
    with (
        _slow_commits(ground),
        contest(ground, generator, "onsale", "flood", env=env) as running,
        Watch(ground) as watch,
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
        tell("(a) over; the lanes are emptied once more")
        found.peaks.append(_peak(watch))
        until(lambda: sum(watch.last.waiting) == 0, PATIENCE_S, "The work that was accepted")
        found.memory_limit = watch.memory_limit
        wanted = {each for each in (*ids, *done.ids) if each}
        rows = ground.execute(OUTCOMES)
        found.accepted, found.lost = len(wanted), len(wanted - {str(row[0]) for row in rows})
        found.violations = verify(ground.url(DATABASE)).violations
    return found


def count(found: Flood, done: Done, samples: list[Sample]) -> None:
    """Take over what the generator and the looks say. What was never sent was not offered."""
    found.codes, found.broken = done.codes, done.lost
    found.refused_ms, found.late_ms = done.refused_ms, done.late_ms
    found.offered = (done.codes.total() + done.lost) / done.seconds
    found.busy = done.cpu_s / done.seconds
    found.samples = samples


def _send(running: Contest, requests: Bookings, rate: float) -> Done:
    """Send them, at this rate per second or as fast as they are answered."""
    deadline_s = (len(requests) / rate if rate else 0.0) + PATIENCE_S
    job = Job(
        port=running.port, requests=requests, rate=rate, connections=CONNECTIONS, keep_ids=True, deadline_s=deadline_s
    )
    return running.generator.run(job)


def _peak(watch: Watch) -> float:
    """Decided per second while the full lanes are emptied and nobody asks for anything."""
    begun = time.perf_counter()
    until(lambda: watch.last.at > begun and min(watch.last.waiting) <= CAP // 10, PATIENCE_S, "The peak")
    return decided_per_s(between(watch.samples, begun, time.perf_counter()))


@contextmanager
def _slow_commits(ground: Ground) -> Iterator[None]:
    """Each commit takes COMMIT_US microseconds more until the block ends."""
    try:
        for change in (f"SET commit_delay = {COMMIT_US}", "SET commit_siblings = 0"):
            ground.administer(f"ALTER SYSTEM {change}")
        ground.administer(RELOAD)
        yield
    finally:
        for name in ("commit_delay", "commit_siblings"):
            ground.administer(f"ALTER SYSTEM RESET {name}")
        ground.administer(RELOAD)
