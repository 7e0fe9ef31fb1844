"""Overload of the API: several times the connections that saturate it, all of them sending at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from statistics import median

import psutil

from ops.verify import verify
from proof.bench.contest import Contest, Pick, contest
from proof.bench.generator import Generator
from proof.bench.halls import label
from proof.bench.job import Done
from proof.bench.series import percentile
from proof.bench.servers import DATABASE, Servers
from proof.bench.watch import Sample, Watch
from proof.kit.waiting import until

#: Numbers of connections that are tried; seconds for each; and the share of the best rate that counts as saturated.
STEPS, STEP_S, SATURATED = (8, 16, 32, 64, 128, 256, 512), 2.0, 0.95
#: More requests per second than the generator can send: as many are prepared, each for another seat. And the shows.
MOST_PER_S, SHOWS = 5_000, 4
#: How many times the saturating connections are used.
FACTOR = 5
#: Requests per second, seconds before and seconds after, for the single client that measures normal latency.
QUIET_PER_S, BEFORE_S, AFTER_S = 20, 5, 15
#: Latency is normal if a second's median is at most TIMES_BEFORE times the p99 from before. The limits keep a busy
#: machine from making that too strict or too lax.
TIMES_BEFORE, LEAST_MS, MOST_MS = 2.0, 20.0, 100.0
#: Seconds between two samples of memory, and most seconds to wait.
SAMPLE_S, PATIENCE_S = 0.1, 60.0


@dataclass(slots=True)
class ApiOverload:
    """The result.

    rates: answers per second by number of connections.   rss_mb: most resident memory of any api process.
    memory, memory_limit: most memory that Redis used, and its maxmemory, in bytes.
    emptied_s: seconds until all that was accepted was decided.
    """

    rates: dict[int, float] = field(default_factory=dict)
    connections: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    rss_mb: float = 0.0
    memory: int = 0
    memory_limit: int = 0
    crashed: bool = False
    normal_ms: float = 0.0
    normal_after_s: float = inf
    emptied_s: float = 0.0
    violations: list[str] = field(default_factory=list)

    @property
    def saturating(self) -> int:
        """The fewest connections that saturate; 0 if nothing was tried."""
        return self.connections // FACTOR

    @property
    def saturated(self) -> bool:
        """Whether more connections were tried, without a better rate."""
        return 0 < self.saturating < max(self.rates, default=0)


def overload_api(servers: Servers, generator: Generator, seconds: float, tell: Callable[[str], None]) -> ApiOverload:
    """Find the connections that saturate the api, use FACTOR times as many, and measure when latency is normal."""
    capacity = int(MOST_PER_S * (STEP_S * len(STEPS) + seconds + BEFORE_S + AFTER_S)) // SHOWS
    shows = servers.template("swarm", [capacity] * SHOWS)
    found = ApiOverload()
    with contest(servers, generator, "onsale", "swarm") as running, Watch(servers) as watch:
        seats = ((shows[n % SHOWS], label(n // SHOWS)) for n in range(SHOWS * capacity))
        family = _family(running)
        before = _quiet(running, seats, BEFORE_S)
        found.normal_ms = limit_ms(before.accept_ms)
        for connections in STEPS:
            found.rates[connections] = _storm(running, seats, connections, STEP_S, ApiOverload())
            tell(f"(b) {connections} connections: {found.rates[connections]:,.0f} answers/s")
        found.connections = FACTOR * saturating(found.rates)
        tell(f"(b) {found.connections} connections for {seconds:g} s")
        _storm(running, seats, found.connections, seconds, found)
        ended = time.perf_counter()
        found.normal_after_s = normal_after(latencies(_quiet(running, seats, AFTER_S)), QUIET_PER_S, found.normal_ms)
        found.crashed = not family or _family(running) != family
        until(lambda: watch.last.at > ended and sum(watch.last.waiting) == 0, PATIENCE_S, "What was accepted")
        _add_samples(found, watch, ended)
        found.violations = verify(servers.url(DATABASE)).violations
    return found


def saturating(rates: Mapping[int, float]) -> int:
    """Return the fewest connections whose rate is nearly the best."""
    best = max(rates.values())
    return min(connections for connections, rate in rates.items() if rate >= SATURATED * best)


def limit_ms(before_ms: Sequence[float]) -> float:
    """Return the highest latency that is normal, in milliseconds, given those from before the overload."""
    return min(MOST_MS, max(LEAST_MS, TIMES_BEFORE * percentile(before_ms, 99)))


def latencies(done: Done) -> list[float]:
    """Return the latency of each request, in order; inf if it was not accepted: a quick refusal is not normal.

    All of them are inf if a connection broke, which leaves a gap in the order.
    """
    if done.lost or done.timed_out:
        return [inf] * len(done.ids)
    return [ms if accepted else inf for ms, accepted in zip(done.accept_ms, done.ids, strict=True)]


def normal_after(latencies_ms: Sequence[float], per_s: int, normal_ms: float) -> float:
    """Return after how many seconds every later second's median is normal; inf if the last one is not."""
    seconds = [latencies_ms[n : n + per_s] for n in range(0, len(latencies_ms), per_s)]
    bad = [number for number, each in enumerate(seconds, 1) if median(each) > normal_ms]
    if not seconds or (bad and bad[-1] == len(seconds)):
        return inf
    return float(bad[-1]) if bad else 0.0


def emptied_after(samples: Sequence[Sample], ended: float) -> float:
    """Return the seconds from a time of the clock until the lanes were first seen empty; inf if they were not."""
    return next((each.at - ended for each in samples if each.at >= ended and not sum(each.waiting)), inf)


def _add_samples(found: ApiOverload, watch: Watch, ended: float) -> None:
    found.memory, found.memory_limit = max(each.memory for each in watch.samples), watch.memory_limit
    found.emptied_s = emptied_after(watch.samples, ended)


def _quiet(running: Contest, seats: Iterator[Pick], seconds: int) -> Done:
    """Send a few bookings per second, one after the other."""
    picks = [next(seats) for _ in range(QUIET_PER_S * seconds)]
    return running.generator.run(running.job(picks, rate=QUIET_PER_S, connections=1, keep_ids=True))


def _storm(running: Contest, seats: Iterator[Pick], connections: int, seconds: float, found: ApiOverload) -> float:
    """Send over every connection as fast as it is answered. Returns answers per second; fills codes and memory."""
    picks = [next(seats) for _ in range(int(MOST_PER_S * seconds))]
    running.generator.begin(running.job(picks, connections=connections, deadline_s=seconds))
    deadline = time.monotonic() + seconds + PATIENCE_S
    while not running.generator.finished and time.monotonic() < deadline:
        found.rss_mb = max(found.rss_mb, _most_mb(running))
        time.sleep(SAMPLE_S)
    done = running.generator.end()
    found.codes, found.broken = done.codes, done.lost
    return done.codes.total() / done.seconds


def _family(running: Contest) -> list[int]:
    """Return the process ids of the api; none if it is gone."""
    with suppress(psutil.Error):
        api = psutil.Process(running.groups["api"].pid)
        return sorted(each.pid for each in [api, *api.children(recursive=True)])
    return []


def _most_mb(running: Contest) -> float:
    """Return the resident memory of the largest api process in MB."""
    most = 0
    for pid in _family(running):
        with suppress(psutil.Error):
            most = max(most, psutil.Process(pid).memory_info().rss)
    return most / 1e6
