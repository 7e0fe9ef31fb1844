"""The sweeper: a thread in every worker that rescues stalled lanes, itself, without the broker.

Twice a second it looks for lanes that have entries and no live marker - a drain was killed, or a doorbell lost -
and gives each one batch, going round. So a lane moves again within a marker's life and a tick of any kill.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

import redis

from core import logs
from core.crashpoints import point
from db import lanes
from workers import late
from workers.drain import drain
from workers.stores import Stores

log = logs.logger(__name__)

#: Seconds between two looks, each one round trip. With a marker's 2 s it bounds the rescue at 2.5 s and what the
#: batches of other stalled lanes take (docs/reliability.md has the sum).
TICK_S = 0.5
#: Of Redis's maxmemory. The rest is room for what must not leave: queued and held ones, lanes, cards.
MEMORY_SHARE = 0.6
#: Of maxmemory. Above it no Book is accepted: confirms, cancels and what workers publish need the rest. Each look
#: renews the refusal for some looks, so it ends by itself, also without workers.
FULL_SHARE = 0.8
FULL_MS = 5_000


def run_once(stores: Stores, ring: Callable[[int], object]) -> int:
    """Give one batch to each stalled lane; returns how many lanes were stalled.

    Raises: redis-py's errors.   Repeat: safe, also in several workers at once: the marker admits one.
    """
    point("S0")
    stalled = lanes.stalled(stores.client, stores.settings.lanes)
    random.shuffle(stalled)  # several sweepers look at the same moment; and none is always the last
    for lane in stalled:
        point("S1", redis.ConnectionError)
        decided = drain(stores, lane, ring, for_s=0)
        log.info("lane_rescued", lane=lane, decided=decided)
        point("S2")
    return len(stalled)


def watch_memory(stores: Stores) -> float:
    """Look how full Redis is. Returns the share of maxmemory, 0 to 1.

    Above MEMORY_SHARE final statuses are given less time; above FULL_SHARE Books are refused at the door.
    Raises: redis-py's errors; at maxmemory also OutOfMemoryError: then Redis itself refuses Books.
    """
    memory = stores.client.info("memory")
    share = memory["used_memory"] / memory["maxmemory"] if memory["maxmemory"] else 0.0
    short = share > MEMORY_SHARE
    if short != stores.short_of_memory:
        log.log(logging.WARNING if short else logging.INFO, "redis_memory", share=round(share, 2), short=short)
        stores.short_of_memory = short
    if share > FULL_SHARE:
        log.error("redis_full", share=round(share, 2))
        lanes.refuse_books(stores.client, stores.settings.lanes, FULL_MS)
    return share


class Sweeper(threading.Thread):
    """Runs `run_once` each TICK_S until stopped."""

    def __init__(self, stores: Stores, ring: Callable[[int], object]) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._stores = stores
        self._ring = ring
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(TICK_S):
            try:
                run_once(self._stores, self._ring)
                late.watch_lanes(self._stores)
                watch_memory(self._stores)
            except redis.RedisError as error:
                log.warning("sweep_interrupted", error=str(error))
            except Exception:
                # The last resort must not end because of one lane's trouble: it is logged, and looked at again.
                log.exception("sweep_failed")

    def stop(self) -> None:
        """Stop after the lane at hand. Returns when the thread has ended."""
        self._stopped.set()
        self.join(timeout=10)
