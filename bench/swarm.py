"""Overload of the API: several times the connections that saturate it, all of them asking at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import psutil

from bench.contest import Contest, Pick, contest
from bench.generator import Generator
from bench.ground import Ground
from bench.halls import label
from bench.series import percentile

SHOWS, SEATS = 4, 30_000
#: Connections that are tried, for so many seconds each; saturated is what reaches so much of the best.
STEPS, STEP_S, SATURATED = (8, 16, 32, 64, 128, 256, 512), 2.0, 0.95
#: Requests per second that no client sends: enough for any step.
MOST_PER_S = 5_000
FACTOR = 5
#: Quiet requests per second, before and after; after for so many seconds.
QUIET_PER_S, BEFORE_S, AFTER_S = 20, 5, 15
#: Normal again: a second's median is at most so many times the p99 from before; never stricter than the one
#: nor laxer than the other, whatever a busy machine made of that p99.
TIMES_BEFORE, LEAST_MS, MOST_MS = 2.0, 20.0, 100.0
SAMPLE_S, PATIENCE_S = 0.1, 60.0


@dataclass(slots=True)
class Swarm:
    """What came of it. `rates`: answers per second by connections; `rss_mb`: most that any api process had."""

    rates: dict[int, float] = field(default_factory=dict)
    connections: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    rss_mb: float = 0.0
    crashed: bool = False
    saturated: bool = False
    before_ms: list[float] = field(default_factory=list)
    normal_ms: float = 0.0
    normal_after_s: float = 0.0


def swarm(ground: Ground, generator: Generator, seconds: float, tell: Callable[[str], None]) -> Swarm:
    """Find what saturates the api, send FACTOR times that for so long, and see when it is itself again."""
    shows = ground.template("swarm", [SEATS] * SHOWS)
    found = Swarm()
    with contest(ground, generator, "onsale", "swarm") as running:
        seats = ((shows[n % SHOWS], label(n // SHOWS % SEATS)) for n in range(1_000_000_000))
        before = _family(running)
        found.before_ms = _quiet(running, seats, BEFORE_S)
        for connections in STEPS:
            found.rates[connections] = _storm(running, seats, connections, STEP_S, Swarm())
            tell(f"(b) {connections} connections: {found.rates[connections]:,.0f} answers/s")
        best = max(found.rates.values())
        saturating = next(each for each in STEPS if found.rates[each] >= SATURATED * best)
        found.connections, found.saturated = FACTOR * saturating, saturating < STEPS[-1]
        tell(f"(b) {found.connections} connections for {seconds:g} s")
        _storm(running, seats, found.connections, seconds, found)
        found.normal_ms = min(MOST_MS, max(LEAST_MS, TIMES_BEFORE * percentile(found.before_ms, 99)))
        found.normal_after_s = normal_after(_quiet(running, seats, AFTER_S), QUIET_PER_S, found.normal_ms)
        found.crashed = _family(running) != before
    return found


def normal_after(latencies_ms: Sequence[float], per_s: int, normal_ms: float) -> float:
    """After how many seconds every later second's median is normal."""
    seconds = [latencies_ms[n : n + per_s] for n in range(0, len(latencies_ms), per_s)]
    bad = [number for number, each in enumerate(seconds, 1) if median(each) > normal_ms]
    return float(bad[-1]) if bad else 0.0


def _quiet(running: Contest, seats: Iterator[Pick], seconds: int) -> list[float]:
    """Latencies of a few bookings per second, in ms and in their order."""
    picks = [next(seats) for _ in range(QUIET_PER_S * seconds)]
    return running.generator.run(running.job(picks, rate=QUIET_PER_S, connections=1)).accept_ms


def _storm(running: Contest, seats: Iterator[Pick], connections: int, seconds: float, found: Swarm) -> float:
    """Every connection asks as fast as it is answered; answers per second. Codes and memory are put into `found`."""
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
    """The processes of the api."""
    api = psutil.Process(running.groups["api"].pid)
    return sorted(each.pid for each in [api, *api.children(recursive=True)])


def _most_mb(running: Contest) -> float:
    """Resident memory of the largest api process."""
    most = 0
    for pid in _family(running):
        with suppress(psutil.Error):
            most = max(most, psutil.Process(pid).memory_info().rss)
    return most / 1e6
