"""Runs one rush from beginning to end: the show, the buyers, the crowd, the figures. The entry point for programs.

Buyers that are not done after `plan.timeout_s` seconds are cancelled and counted as undecided or unanswered. The
stores are not checked here; `ops.verify` does that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random

from ops.rush.buyer import Buyer
from ops.rush.client import Client, Sleep, open_session
from ops.rush.figures import Figures, Tally
from ops.rush.gate import Gate
from ops.rush.picks import picks
from ops.rush.plan import Plan
from ops.rush.shows import make_show, read_seats
from ops.rush.tokens import TTL_S, mint

#: A coroutine that displays the tally until it is cancelled.
Watch = Callable[[Tally], Awaitable[None]]

#: Max decided buyers that repeat their POST at the end: enough to find a broken rule, too few to take long.
REPEATS = 50
#: Seconds that these repetitions may take together.
REPEATS_S = 10.0


async def run_rush(plan: Plan, watch: Watch | None = None, *, sleep: Sleep = asyncio.sleep) -> Figures:
    """Run the plan and return its figures. Raises NoShow, Lost, ConfigurationError, all before the first buyer."""
    tally = Tally(plan.buyers)
    async with open_session(plan.connections) as session:
        client = Client(session, plan.base_url, Gate(plan.connections), tally, sleep)
        show_id = plan.show_id if plan.show_id is not None else await make_show(client, plan)
        offered = await read_seats(client, show_id)
        ttl_s = max(TTL_S, int(plan.timeout_s) + 60)
        buyers = [
            Buyer(client, tally, mint(plan.jwt_secret, str(uuid.uuid4()), ttl_s=ttl_s), pick, show_id)
            for pick in picks(plan, offered)
        ]
        async with watched(tally, watch):
            await _run_buyers(plan, buyers, tally, sleep)
        await _repeat(plan, buyers)
    return Figures.of(tally, seed=plan.seed, show_id=show_id)


async def _run_buyers(plan: Plan, buyers: Sequence[Buyer], tally: Tally, sleep: Sleep) -> None:
    """Start one buyer every `ramp_s / buyers` seconds; return when all are done or the time is up."""
    tally.began_at = time.perf_counter()
    loop = asyncio.get_running_loop()
    begin, step_s = loop.time(), plan.ramp_s / plan.buyers
    try:
        async with asyncio.timeout(plan.timeout_s), asyncio.TaskGroup() as group:
            for index, buyer in enumerate(buyers):
                # A sleep below a millisecond costs more than it gains.
                if (early_s := begin + index * step_s - loop.time()) > 0.001:
                    await sleep(early_s)
                group.create_task(buyer.run())
    except TimeoutError:
        tally.timed_out = True


async def _repeat(plan: Plan, buyers: Sequence[Buyer]) -> None:
    """Have some decided buyers repeat their POST, to check that its answer has the same outcome."""
    decided = [buyer for buyer in buyers if buyer.witness.is_final]
    chosen = Random(plan.seed).sample(decided, min(REPEATS, len(decided)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REPEATS_S):
            await asyncio.gather(*(buyer.repeat() for buyer in chosen))


@contextlib.asynccontextmanager
async def watched(tally: Tally, watch: Watch | None) -> AsyncIterator[None]:
    """Display the tally with `watch`, if there is one, until the block ends."""
    if watch is None:
        yield
        return
    watching = asyncio.ensure_future(watch(tally))
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
