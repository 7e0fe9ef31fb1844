"""The parts that do not measure a rate: latency, the polls of a rush, and the losers of a small show."""

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
from proof.bench.halls import label
from proof.bench.parts import CONNECTIONS, HOT, QUEUED, Bench
from proof.bench.series import add, percentile
from proof.bench.servers import DATABASE, BenchFailed
from proof.bench.sizes import WARM_UP
from proof.bench.sql.tables import SOLD
from proof.bench.transaction_counter import TransactionCounter
from proof.kit.waiting import until

LANES, LOSERS = "lanes_template", "losers_template"
LOSER_SEATS = 500
#: Connections of buyers who use `?wait=`: many more than wait at once, so that none waits for a free connection.
WAITING = 512
#: Seconds for which a lane sleeps before a request wakes it, and most seconds for all lanes to fall asleep.
ASLEEP_S, FALLS_ASLEEP_S = 5.0, 20.0
#: Requests to sleeping lanes per second: one after the other, so that none waits for another lane's wake-up.
WAKES_PER_S = 10.0


def latency(bench: Bench) -> None:
    """Measure submit to outcome for buyers who use `?wait=`: at half of peak, then on sleeping lanes."""
    picks = bench.picks(HOT)
    with contest(bench.servers, bench.generator, "onsale", HOT) as running:
        running.book(picks[:WARM_UP], follow="poll")
        peak = running.book(picks[WARM_UP : WARM_UP + bench.sizes.crowd], follow="poll").rate
        first = WARM_UP + bench.sizes.crowd
        count = min(int(peak / 2 * bench.sizes.warm_s), len(picks) - first)
        result = running.book(picks[first : first + count], follow="wait", rate=peak / 2, connections=WAITING)
    bench.verify(result)
    _keep(bench, "warm", result.done.outcome_ms)
    bench.servers.template(LANES, [1_000] * bench.servers.lanes)
    with contest(bench.servers, bench.generator, "onsale", LANES) as running:
        shows = bench.servers.shows[LANES]
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
    """Wait until no lane has a lease, then for ASLEEP_S more seconds."""
    client = redis.Redis(connection_pool=connection_pool(bench.servers.stores.redis_url, socket_timeout_s=5))
    leases = [keys.lease(lane) for lane in range(bench.servers.lanes)]
    try:
        until(lambda: not client.exists(*leases), FALLS_ASLEEP_S, "The lanes' falling asleep")
    finally:
        client.close()
    time.sleep(ASLEEP_S)


def rush(bench: Bench) -> None:
    """Measure a rush on one show: polls per booking, and the transactions that they cause through the api."""
    with (
        TransactionCounter(bench.servers.url(DATABASE), bench.servers.home / "counter") as counter,
        contest(bench.servers, bench.generator, "onsale", HOT, api_database_url=counter.url) as running,
    ):
        asked: list[int] = []

        async def watch(_tally: Tally) -> None:
            asked.append(counter.transactions)
            try:
                await asyncio.sleep(3_600)
            finally:
                asked.append(counter.transactions)

        # A few buyers first: the show's card and its hall's plan are read from Postgres once.
        first = Plan(
            base_url=f"http://127.0.0.1:{running.port}",
            jwt_secret=bench.servers.secret,
            database_url=bench.servers.url(DATABASE),
            seats=1_000,
            buyers=64,
        )
        opened = asyncio.run(run_rush(first))
        second = replace(first, buyers=bench.sizes.buyers, show_id=opened.show_id)
        figures = asyncio.run(run_rush(second, watch))
    _check(figures)
    add(bench.series, "rush polls", figures.polls_per_booking)
    add(bench.series, "rush transactions", asked[-1] - asked[0])
    bench.tell(f"rush: {figures.polls_per_booking:.2f} polls per booking, {asked[-1] - asked[0]} transactions")


def _check(figures: Figures) -> None:
    if figures.violations or figures.timed_out or figures.unanswered:
        raise BenchFailed(f"rush: {figures.found or figures}")


def losers(bench: Bench) -> None:
    """Measure many requests for few seats: the seconds until every buyer has a final answer."""
    if len(bench.series.get("losers onsale s", ())) >= bench.sizes.loser_rounds:
        return
    [show_id] = bench.servers.template(LOSERS, [LOSER_SEATS])
    picks = [(show_id, label(number % LOSER_SEATS)) for number in range(bench.sizes.losers)]
    random.Random(1).shuffle(picks)
    for name in ("sync", "onsale"):
        with contest(bench.servers, bench.generator, name, LOSERS) as running:
            result = running.follow(picks, connections=CONNECTIONS.get(name, QUEUED))
        [(sold,)] = bench.servers.execute(SOLD)
        final = set(result.done.outcomes) <= {"CONFIRMED", "FAILED", "409"} and not result.done.timed_out
        if sold != LOSER_SEATS or result.done.outcomes["CONFIRMED"] != LOSER_SEATS or not final:
            raise BenchFailed(f"losers, {name}: {sold} seats are sold, {dict(result.done.outcomes)}")
        add(bench.series, f"losers {name} s", result.seconds)
        bench.tell(f"losers, {name}: {result.seconds:.2f} s, {dict(result.done.outcomes)}")
        if name == "onsale":
            add(bench.series, "violations", len(proven(bench.servers, result).violations))
