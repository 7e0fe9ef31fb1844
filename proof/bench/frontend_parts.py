"""What a frontend asks: a booking in one request, the show list, availability, and the seat map of a large hall."""

from __future__ import annotations

from itertools import islice
from typing import Any

from proof.bench import wire
from proof.bench.contest import Contest, Result, contest
from proof.bench.goals import IN_ONE, IN_TWO
from proof.bench.parts import HOT, QUEUED, Bench
from proof.bench.series import add, percentile
from proof.bench.servers import BenchFailed
from proof.bench.sizes import WARM_UP

#: A hall of 10,000 seats and 19 small ones: the show list is one page of 20 shows.
FRONTEND, MAP_SEATS, SMALL_SEATS, SMALL = "frontend_template", 10_000, 100, 19
#: Seconds for which a buyer waits for the outcome, and bookings per second of the calm load.
WAIT_S, CALM_PER_S = 5, 300.0
#: The two ways to an outcome: the name of the load, and its job.
WAYS: tuple[tuple[str, dict[str, Any]], ...] = ((IN_TWO, {"follow": "wait"}), (IN_ONE, {"prefer_s": WAIT_S}))
#: Concurrent readers of a rate; requests per second of the modest load, its slices, and requests per slice.
READERS, MODEST_PER_S, SLICES, SLICE = 32, 100.0, 10, 60


def at_once(bench: Bench) -> None:
    """Measure a booking in one request beside one that waits with a GET: at full load, then at a calm one.

    Both ways have the same processes and the same show, one after the other; which is first alternates by round.
    """
    picks = iter(bench.picks(HOT))
    calm = int(CALM_PER_S * bench.sizes.warm_s / 2)
    ways = WAYS[::-1] if len(bench.series.get(IN_ONE, ())) % 2 else WAYS
    with contest(bench.servers, bench.generator, "onsale", HOT) as running:
        for _, job in ways:
            running.book(list(islice(picks, WARM_UP)), **job)
        for name, job in ways:
            bench.keep(name, running.book(list(islice(picks, bench.sizes.crowd)), connections=QUEUED, **job))
        for name, job in ways:
            result = running.book(list(islice(picks, calm)), rate=CALM_PER_S, connections=QUEUED, **job)
            _keep(bench, f"{name}: outcome", result.done.outcome_ms)
    bench.verify(result)


def reads(bench: Bench) -> None:
    """Measure the show list and availability at full load; then the seat map beside /healthz at a modest one."""
    big = bench.servers.template(FRONTEND, [MAP_SEATS, *[SMALL_SEATS] * SMALL])[0]
    state = f"/api/shows/{big}/seats/state"
    with contest(bench.servers, bench.generator, "onsale", FRONTEND) as running:
        for name, path in (("show list", "/api/shows"), ("availability", state)):
            request = wire.get(path, gzip=True)
            running.ask([request] * WARM_UP, connections=READERS)
            bench.keep(name, all_read(name, running.ask([request] * bench.sizes.hello, connections=READERS)))
        _modest(bench, running, {"healthz": "/healthz", "seat map": f"/api/shows/{big}/seats", "states": state})


def _modest(bench: Bench, running: Contest, paths: dict[str, str]) -> None:
    """Read the addresses in turn, a slice of each at a time, so that all see the same machine."""
    found: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(SLICES):
        for name, path in paths.items():
            result = running.ask([wire.get(path, gzip=True)] * SLICE, rate=MODEST_PER_S, connections=4)
            found[name] += all_read(name, result).done.accept_ms
    for name, numbers in found.items():
        _keep(bench, name, numbers)


def all_read(name: str, result: Result) -> Result:
    """Return the result. Raises: BenchFailed: an answer was not 200, so its time says nothing."""
    if set(result.done.codes) != {200} or result.done.lost:
        raise BenchFailed(f"{name}: answers {dict(result.done.codes)}, {result.done.lost} lost.")
    return result


def _keep(bench: Bench, name: str, numbers: list[float]) -> None:
    """Add the median and the 95th percentile to the series, in milliseconds."""
    for share in (50, 95):
        add(bench.series, f"{name} p{share}", percentile(numbers, share))
    bench.tell(f"{name}: p50 {percentile(numbers, 50):.2f} ms, p95 {percentile(numbers, 95):.2f} ms")
