"""Replays a recording against one show: every request at its time, divided by the speed, through the real api.

Buyers are new users with tokens of their own; who had several bookings in the recording has them here, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from core.errors import ConfigurationError
from ops.rehearse.recording import Arrival, Recording
from ops.rehearse.visitor import Visitor
from ops.rush.client import Client, open_session
from ops.rush.figures import Figures, Tally
from ops.rush.gate import Gate
from ops.rush.plan import refuse_elsewhere
from ops.rush.run import Watch, watched
from ops.rush.shows import read_seats
from ops.rush.tokens import TTL_S, mint


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """One replay. `timeout_s`: its max duration, from the first arrival."""

    base_url: str
    jwt_secret: str = field(repr=False)
    show_id: int
    recording: Recording
    speed: float
    timeout_s: float
    connections: int = 64
    anywhere: bool = False

    def __post_init__(self) -> None:
        refuse_elsewhere(self.base_url, anywhere=self.anywhere)
        if self.speed <= 0 or self.timeout_s <= 0 or self.connections < 1:
            raise ConfigurationError("speed, timeout and connections must be more than 0.")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of it: the figures, and of each BOOK the recorded and the replayed outcome ("": undecided)."""

    figures: Figures
    outcomes: Sequence[tuple[str, str]]


async def replay(plan: ReplayPlan, watch: Watch | None = None) -> Replayed:
    """Send the recording. Raises NoShow, Lost: the show cannot be read; nothing was sent."""
    tally = Tally(plan.recording.bookings)
    async with open_session(plan.connections) as session:
        client = Client(session, plan.base_url, Gate(plan.connections), tally)
        await read_seats(client, plan.show_id)
        visitors = _visitors(plan, client, tally)
        async with watched(tally, watch):
            await _run(plan, visitors, tally)
    figures = Figures.of(tally, seed=0, show_id=plan.show_id)
    return Replayed(figures, [(visitor.book.outcome, visitor.outcome) for visitor in visitors])


def _visitors(plan: ReplayPlan, client: Client, tally: Tally) -> list[Visitor]:
    """Return a visitor for each recorded booking, in order of their POSTs."""
    ttl_s, tokens, changes = max(TTL_S, int(plan.timeout_s) + 60), dict[int, str](), dict[int, list[Arrival]]()
    for arrival in plan.recording.arrivals:
        changes.setdefault(arrival.booking, []).append(arrival)
    visitors = []
    for book, *later in changes.values():
        if book.buyer not in tokens:
            tokens[book.buyer] = mint(plan.jwt_secret, str(uuid4()), ttl_s=ttl_s)
        visitors.append(Visitor(client, tally, tokens[book.buyer], plan.show_id, book, later, plan.speed))
    return visitors


async def _run(plan: ReplayPlan, visitors: Sequence[Visitor], tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    tally.began_at, begin = time.perf_counter(), loop.time()
    try:
        async with asyncio.timeout(plan.timeout_s), asyncio.TaskGroup() as group:
            for visitor in visitors:
                # A sleep below a millisecond costs more than it gains.
                if (early_s := begin + visitor.book.at_ms / 1000 / plan.speed - loop.time()) > 0.001:
                    await asyncio.sleep(early_s)
                group.create_task(visitor.run(begin))
    except TimeoutError:
        tally.timed_out = True
