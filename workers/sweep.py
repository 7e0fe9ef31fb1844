"""The sweeper: a thread in every worker that finds stalled lanes and has them drained, without the broker.

Twice a second it looks for lanes that have entries and no drain: the drain was killed, or the doorbell was lost or is
not heard. Each of them is drained by a thread of its own, for RESCUE_S at a time: while the broker is unavailable,
rescues are the drains. So a lane moves again within a lease's life and a tick of any kill, and within RUNG_MS
(db/kv/lanes.py) and a tick of a doorbell that wakes nobody.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import redis

from core import logs
from core.crash_points import point
from core.errors import AcceptUnknown, ConfigurationError, PostgresUnavailable, RedisUnavailable
from db import guard, installation
from db.kv import lanes, workers_alive
from workers import expire, late_bookings, metrics
from workers.drain import drain
from workers.stores import Stores

log = logs.logger(__name__)

#: Seconds between two looks, each one round trip. With a lease's 2 s it bounds the rescue at 2.5 s and what the
#: batches of other stalled lanes take (docs/reliability.md has the sum).
TICK_S = 0.5
#: Seconds that a rescue drains a busy lane before it sends the doorbell, so that other workers get their share where
#: it is heard. Where it is not, the lane waits for RUNG_MS and a tick: one part in thirty of the time.
RESCUE_S = 30.0
#: In the place of a lane: the expire run.
EXPIRY = -1
#: Of Redis's maxmemory. The rest is room for what must not leave: queued and held ones, lanes, cards.
MEMORY_SHARE = 0.6
#: Of maxmemory. Above it no Book is accepted: confirms, cancels and what workers publish need the rest. Each look
#: renews the refusal for some looks, so it ends by itself, also without workers.
FULL_SHARE = 0.8
FULL_MS = 5_000


def run_once(stores: Stores, begin_rescue: Callable[[int], object]) -> int:
    """Begin to rescue each stalled lane; returns how many there are.

    Raises: redis-py's errors.   Repeat: safe, also in several workers at once: the lease admits one.
    """
    point("S0")
    stalled = lanes.stalled(stores.client, stores.settings.lanes, stores.settings.lease_ms)
    random.shuffle(stalled)  # several sweepers look at the same moment; and none is always the last
    for lane in stalled:
        point("S1", redis.ConnectionError)
        begin_rescue(lane)
    return len(stalled)


def rescue(stores: Stores, lane: int, ring: Callable[[int], object], *, for_s: float = RESCUE_S) -> int:
    """Drain a stalled lane, turn after turn, until it is empty or `for_s` is over; returns how many were decided.

    Raises nothing for troubles that pass.
    """
    deadline = time.monotonic() + for_s

    def ring_at_the_end(lane: int) -> object:
        return ring(lane) if time.monotonic() >= deadline else False

    decided = drain(stores, lane, ring_at_the_end, for_s=min(for_s, stores.settings.drain_s))
    if decided:  # else another worker was first
        metrics.rescued(lane)
        log.info("lane_rescued", lane=lane, decided=decided)
    point("S2")
    return decided


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


def beat(stores: Stores, worker: str) -> None:
    """Tell the apis that this worker drains, and look whose Redis it is: it may have been emptied, or given away.

    Raises: redis-py's errors.   Ends the process with code 78 if the Redis is another installation's.
    """
    try:
        installation.publish(stores.rounds, stores.check_installation())
    except (PostgresUnavailable, RedisUnavailable, AcceptUnknown):
        return  # what this worker belongs to is not known yet
    except ConfigurationError as error:
        guard.end(error)
    workers_alive.beat(stores.client, worker)


class Sweeper(threading.Thread):
    """Runs `run_once` each TICK_S until stopped. The rescues, and expire runs that are overdue, have threads of their
    own: whatever one of them waits for, the next look comes in time."""

    def __init__(self, stores: Stores, ring: Callable[[int], object]) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._stores = stores
        self._ring = ring
        self._threads = ThreadPoolExecutor(stores.settings.lanes + 1, thread_name_prefix="rescue")
        self._busy: set[int] = set()
        self._worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def run(self) -> None:
        while not self._stores.stopping.wait(TICK_S):
            try:
                run_once(self._stores, self._begin_rescue)
                late_bookings.watch_lanes(self._stores)
                self._begin(EXPIRY, lambda: expire.run_alone(self._stores, self._ring, overdue=True))
                beat(self._stores, self._worker)
                watch_memory(self._stores)  # last: with Redis at its limit it raises
            except redis.RedisError as error:
                log.warning("sweep_interrupted", error=str(error))
            except Exception:
                # The last resort must not end because of one lane's trouble: it is logged, and looked at again.
                log.exception("sweep_failed")

    def stop(self) -> None:
        """Stop after the batches at hand. Returns when every thread has ended."""
        self._stores.stopping.set()
        self.join(timeout=10)
        self._threads.shutdown()
        with suppress(redis.RedisError):
            workers_alive.leave(self._stores.client, self._worker)

    def _begin_rescue(self, lane: int) -> None:
        self._begin(lane, lambda: rescue(self._stores, lane, self._ring))

    def _begin(self, what: int, work: Callable[[], object]) -> None:
        """Do some work in a thread, unless this process is at it already. `what`: a lane, or EXPIRY."""

        def run() -> None:
            try:
                work()
            except Exception:
                log.exception("rescue_failed", lane=what)  # nobody else would hear of it
            finally:
                self._busy.discard(what)

        if what not in self._busy:
            self._busy.add(what)
            self._threads.submit(run)
