"""One rush from beginning to end: the show, the buyers, the storm, the figures.

The way in for programs. Bounded by `plan.timeout_s`: whoever is not done by then is cancelled and counted
as undecided or unanswered. What the stores hold is not looked at here; `ops.verify` does that.
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

#: Shows how the tally grows until it is cancelled.
Watch = Callable[[Tally], Awaitable[None]]

#: So many decided buyers send their POST again at the end: enough to find a rule broken, too few to cost.
ASKED_AGAIN = 50
#: Seconds that the asking again may take.
ASKING_S = 10.0


async def run_rush(plan: Plan, watch: Watch | None = None, *, sleep: Sleep = asyncio.sleep) -> Figures:
    """Run the plan and return its figures. Raises NoShow, Lost, ConfigurationError, before the storm only."""
    tally = Tally(plan.buyers)
    async with open_session(plan.connections) as session:
        client = Client(session, plan.base_url, Gate(plan.connections), tally, sleep)
        show_id = plan.show_id if plan.show_id is not None else await make_show(client, plan)
        seat_map = await read_seats(client, show_id)
        ttl_s = max(TTL_S, int(plan.timeout_s) + 60)
        buyers = [
            Buyer(client, tally, mint(plan.jwt_secret, str(uuid.uuid4()), ttl_s=ttl_s), pick, show_id)
            for pick in picks(plan, seat_map)
        ]
        async with _watched(tally, watch):
            await _storm(plan, buyers, tally, sleep)
        await _ask_again(plan, buyers)
    return Figures.of(tally, seed=plan.seed, show_id=show_id)


async def _storm(plan: Plan, buyers: Sequence[Buyer], tally: Tally, sleep: Sleep) -> None:
    """Let all buyers live, the next one each `ramp_s / buyers`, until the last is done or time is up."""
    tally.began_at = time.perf_counter()
    loop = asyncio.get_running_loop()
    begin, step_s = loop.time(), plan.ramp_s / plan.buyers
    try:
        async with asyncio.timeout(plan.timeout_s), asyncio.TaskGroup() as group:
            for index, buyer in enumerate(buyers):
                # A wait below a millisecond costs more than it is worth.
                if (early_s := begin + index * step_s - loop.time()) > 0.001:
                    await sleep(early_s)
                group.create_task(buyer.live())
    except TimeoutError:
        tally.timed_out = True


async def _ask_again(plan: Plan, buyers: Sequence[Buyer]) -> None:
    decided = [buyer for buyer in buyers if buyer.witness.is_final]
    asked = Random(plan.seed).sample(decided, min(ASKED_AGAIN, len(decided)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ASKING_S):
            await asyncio.gather(*(buyer.ask_again() for buyer in asked))


@contextlib.asynccontextmanager
async def _watched(tally: Tally, watch: Watch | None) -> AsyncIterator[None]:
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
