"""The parts that are not about the rate: latency, a rush and its polls, and the losers of a small show."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

import redis

from db.kv import keys
from db.kv.rounds import connection_pool
from ops.rush.figures import Figures, Tally
from ops.rush.plan import Plan
from ops.rush.run import run_rush
from proof.bench.contest import contest, proven
from proof.bench.ground import DATABASE, BenchFailed, until
from proof.bench.halls import label
from proof.bench.onlooker import Onlooker
from proof.bench.parts import CONNECTIONS, HOT, QUEUED, Bench
from proof.bench.series import add, percentile
from proof.bench.sizes import WARM_UP
from proof.bench.sql.tables import SOLD

LANES, LOSERS = "lanes_template", "losers_template"
LOSER_SEATS = 500
#: Connections of buyers who wait on theirs: many more than wait at once, or they would wait for each other.
WAITING = 512
#: Seconds that a lane has slept before a request wakes it, and that it may take to fall asleep.
ASLEEP_S, FALLS_ASLEEP_S = 5.0, 20.0
#: Requests to sleeping lanes per second: one after the other, so that none waits for another's start.
WAKES_PER_S = 10.0


def latency(bench: Bench) -> None:
    """Submit to outcome, as a buyer sees it who asks with `?wait=`: at half of peak, then on sleeping lanes."""
    picks = bench.picks(HOT)
    with contest(bench.ground, bench.generator, "onsale", HOT) as running:
        running.book(picks[:WARM_UP], follow="poll")
        peak = running.book(picks[WARM_UP : WARM_UP + bench.sizes.crowd], follow="poll").rate
        first = WARM_UP + bench.sizes.crowd
        count = min(int(peak / 2 * bench.sizes.warm_s), len(picks) - first)
        result = running.book(picks[first : first + count], follow="wait", rate=peak / 2, connections=WAITING)
    bench.verify(result)
    _keep(bench, "warm", result.done.outcome_ms)
    bench.ground.template(LANES, [1_000] * bench.ground.lanes)
    with contest(bench.ground, bench.generator, "onsale", LANES) as running:
        shows = bench.ground.shows[LANES]
        running.book([(show_id, label(0)) for show_id in shows])
        found: list[float] = []
        for cycle in range(1, bench.sizes.sleeps + 1):
            _fall_asleep(bench)
            woken = [(show_id, label(cycle)) for show_id in shows]
            found += running.book(woken, follow="wait", rate=WAKES_PER_S).done.outcome_ms
    _keep(bench, "asleep", found)


def _keep(bench: Bench, name: str, numbers: list[float]) -> None:
    for share in (50, 99):
        add(bench.series, f"{name} p{share}", percentile(numbers, share))
    add(bench.series, f"{name} samples", len(numbers))
    bench.tell(
        f"{name}: p50 {percentile(numbers, 50):.1f} ms, p99 {percentile(numbers, 99):.1f} ms of {len(numbers)}"
    )


def _fall_asleep(bench: Bench) -> None:
    """Wait until no lane has a lease, and then as long as a lane is to have slept."""
    client = redis.Redis(connection_pool=connection_pool(bench.ground.stores.redis_url, socket_timeout_s=5))
    leases = [keys.lease(lane) for lane in range(bench.ground.lanes)]
    try:
        until(lambda: not client.exists(*leases), FALLS_ASLEEP_S, "The lanes' falling asleep")
    finally:
        client.close()
    time.sleep(ASLEEP_S)


def rush(bench: Bench) -> None:
    """A crowd on one show: polls per booking, and what of it reaches Postgres through the api."""
    with (
        Onlooker(bench.ground.url(DATABASE), bench.ground.home / "onlooker") as onlooker,
        contest(bench.ground, bench.generator, "onsale", HOT, api_database_url=onlooker.url) as running,
    ):
        asked: list[int] = []

        async def watch(_tally: Tally) -> None:
            asked.append(onlooker.transactions)
            try:
                await asyncio.sleep(3_600)
            finally:
                asked.append(onlooker.transactions)

        # The first few open the show: its card and its hall's plan come from Postgres once.
        first = Plan(
            base_url=f"http://127.0.0.1:{running.port}",
            jwt_secret=bench.ground.secret,
            database_url=bench.ground.url(DATABASE),
            seats=1_000,
            buyers=64,
        )
        opened = asyncio.run(run_rush(first))
        crowd = replace(first, buyers=bench.sizes.buyers, show_id=opened.show_id)
        figures = asyncio.run(run_rush(crowd, watch))
    _told(figures)
    add(bench.series, "rush polls", figures.polls_per_booking)
    add(bench.series, "rush transactions", asked[-1] - asked[0])
    bench.tell(f"rush: {figures.polls_per_booking:.2f} polls per booking, {asked[-1] - asked[0]} transactions")


def _told(figures: Figures) -> None:
    if figures.violations or figures.timed_out or figures.unanswered:
        raise BenchFailed(f"rush: {figures.found or figures}")


def losers(bench: Bench) -> None:
    """Many requests for few seats: seconds until everyone has an answer that stands."""
    if len(bench.series.get("losers onsale s", ())) >= bench.sizes.loser_rounds:
        return
    [show_id] = bench.ground.template(LOSERS, [LOSER_SEATS])
    picks = [(show_id, label(number % LOSER_SEATS)) for number in range(bench.sizes.losers)]
    random.Random(1).shuffle(picks)
    for name in ("sync", "onsale"):
        with contest(bench.ground, bench.generator, name, LOSERS) as running:
            result = running.follow(picks, connections=CONNECTIONS.get(name, QUEUED))
        [(sold,)] = bench.ground.execute(SOLD)
        stands = set(result.done.outcomes) <= {"CONFIRMED", "FAILED", "409"} and not result.done.timed_out
        if sold != LOSER_SEATS or result.done.outcomes["CONFIRMED"] != LOSER_SEATS or not stands:
            raise BenchFailed(f"losers, {name}: {sold} seats are sold, {dict(result.done.outcomes)}")
        add(bench.series, f"losers {name} s", result.seconds)
        bench.tell(f"losers, {name}: {result.seconds:.2f} s, {dict(result.done.outcomes)}")
        if name == "onsale":
            add(bench.series, "violations", len(proven(bench.ground, result).violations))
