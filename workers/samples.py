"""Samples for an operator's console: once a second one worker writes down how the lanes and the busy shows are.

Only Redis is read: the lanes' meters, the refusals that the apis have counted, and the heartbeats, in which each
worker names the shows that it has changed. So samples are written while Postgres is unavailable, too, and cost the
same whatever the size of any table.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import OutOfMemoryError

from core.errors import RedisUnavailable
from db.kv import lanes, refusals, samples, workers_alive
from db.kv.lanes import LaneState
from db.kv.workers_alive import WorkerState
from workers.stores import Stores

#: Lanes and shows that one sample names at most, the deepest lanes first.
MOST_LANES, MOST_SHOWS = 32, 40


def take(stores: Stores) -> bool:
    """Write a sample, if this is the worker whose turn it is; return whether it was.

    Raises: redis-py's errors.   Repeat: one sample per second at most, however many workers try.
    """
    if not samples.take_turn(stores.client):
        return False
    commands = [
        *lanes.overview_commands(stores.settings.lanes),
        *workers_alive.list_commands(),
        refusals.read_command(),
    ]
    try:
        *replies, refused = stores.rounds.call(commands, writes=False)
    except RedisUnavailable:
        return False  # the sweeper logs it
    states, workers = lanes.overview(replies[:-3]), workers_alive.list_workers(replies[-3:])
    taken = sample(states, workers, refusals.parse(refused), samples.newest(stores.client), time.time())
    try:
        samples.add(stores.client, taken)
    except OutOfMemoryError:
        return False  # the sweeper logs how full Redis is
    return True


def sample(
    states: Sequence[LaneState],
    workers: Sequence[WorkerState],
    refused: dict[str, int],
    before: dict[str, Any] | None,
    now_s: float,
) -> dict[str, Any]:
    """Return a sample. Args: refused: counts by reason since Redis was empty.   before: the previous sample.

    Rates are per second, since the previous sample; None without one that is recent.
    """
    totals = {
        "accepted": sum(state.meter.ticket for state in states),
        "decided": sum(state.meter.served for state in states),
        "refused": refused,
    }
    busy = sorted((state for state in states if state.depth), key=lambda state: -state.depth)[:MOST_LANES]
    return {
        "at_s": round(now_s, 3),
        "totals": totals,
        "per_s": _rates(totals, before, now_s),
        "depth": sum(state.depth for state in states),
        "oldest_age_ms": max((state.oldest_age_ms for state in states), default=0),
        "workers": len(workers),
        "lanes": [[state.lane, state.depth, state.oldest_age_ms, state.rate] for state in busy],
        "shows": _shows(workers),
    }


def _rates(totals: dict[str, Any], before: dict[str, Any] | None, now_s: float) -> dict[str, Any] | None:
    """Return the rates since the sample before, unless that is missing, or more than ten seconds old.

    A total that has become smaller began at zero again: Redis was wiped.
    """
    if before is None or not 0 < (lasted_s := now_s - before["at_s"]) <= 10:
        return None

    def rate(now: int, then: int) -> float:
        return round((now - then if now >= then else now) / float(lasted_s), 1)

    then = before["totals"]
    return {
        "accepted": rate(totals["accepted"], then["accepted"]),
        "decided": rate(totals["decided"], then["decided"]),
        "refused": {
            reason: rate(number, then["refused"].get(reason, 0))
            for reason, number in totals["refused"].items()
            if number != then["refused"].get(reason, 0)
        },
    }


def _shows(workers: Sequence[WorkerState]) -> list[list[int]]:
    """Return what heartbeats say of the shows decided about in the last minute: of each, its newest version.

    Each is [show, capacity, held, sold, how many were sold before its worker began to name it].
    """
    newest: dict[int, list[int]] = {}
    for worker in workers:
        for show_id, version, *figures in worker.doing.get("shows", ()):
            if show_id not in newest or newest[show_id][0] < version:
                newest[show_id] = [version, *figures]
    return [[show_id, *figures] for show_id, (_, *figures) in list(newest.items())[:MOST_SHOWS]]
