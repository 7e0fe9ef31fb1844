"""The sweeper: a thread in every worker that finds stalled lanes and has them drained, without the broker.

Twice a second it looks for lanes that have entries and no drain: the drain was killed, or the doorbell was lost or
reaches nobody. Each of them is drained in a separate thread, for RESCUE_S at a time: while the broker is unavailable,
the rescues do the draining. So a lane moves again within a lease's life and a tick of any kill, and within RUNG_MS
(db/kv/lanes.py) and a tick of a lost doorbell.
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
from workers import expire, late_bookings, metrics, samples
from workers.drain import drain
from workers.stores import Stores

log = logs.logger(__name__)

#: Seconds between two checks, each one round trip. With a lease's 2 s it bounds the rescue at 2.5 s plus the batches
#: of other stalled lanes (docs/reliability.md has the calculation).
TICK_S = 0.5
#: Seconds for which a rescue drains a busy lane before it sends the doorbell, so that other workers get their share.
#: If the doorbell reaches nobody, the lane waits for RUNG_MS and a tick: a thirtieth of the time.
RESCUE_S = 30.0
#: Stands for the expire run where a lane is expected.
EXPIRY = -1
#: Share of Redis's maxmemory above which final statuses leave sooner: the rest is for lanes, cards, and statuses of
#: queued and held bookings, which must stay.
MEMORY_SHARE = 0.6
#: Share of maxmemory above which no Book is accepted: confirms, cancels and publications need the rest. Each check
#: renews the refusal for FULL_MS, so it ends by itself, also without workers.
FULL_SHARE = 0.8
FULL_MS = 5_000


def run_once(stores: Stores, begin_rescue: Callable[[int], object]) -> int:
    """Start the rescue of each stalled lane; return how many there are.

    Raises: redis-py's errors.   Repeat: safe, also in several workers at once: the lease admits one.
    """
    point("sweep begins")
    stalled = lanes.stalled(stores.client, stores.settings.lanes, stores.settings.lease_ms)
    random.shuffle(stalled)  # sweepers check at the same moment; and no lane is always the last
    for lane in stalled:
        point("stalled lane found", redis.ConnectionError)
        begin_rescue(lane)
    return len(stalled)


def rescue(stores: Stores, lane: int, ring: Callable[[int], object], *, for_s: float = RESCUE_S) -> int:
    """Drain a stalled lane, turn after turn, until it is empty or `for_s` seconds have passed.

    Returns how many decisions were made.   Raises: nothing, as `drain`.
    """
    deadline = time.monotonic() + for_s

    def ring_at_the_end(lane: int) -> object:
        return ring(lane) if time.monotonic() >= deadline else False

    decided = drain(stores, lane, ring_at_the_end, for_s=min(for_s, stores.settings.drain_s))
    if decided:  # else another worker was first
        metrics.rescued(lane)
        log.info("lane_rescued", lane=lane, decided=decided)
    point("stalled lane drained")
    return decided


def watch_memory(stores: Stores) -> float:
    """Check how full Redis is; return the share of maxmemory that is used, 0 to 1.

    Above MEMORY_SHARE final statuses leave sooner; above FULL_SHARE accept.lua refuses Books.
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
    """Send this worker's heartbeat, after checking that Redis is still this installation's and was not emptied.

    Raises: redis-py's errors.   Ends the process with code 78 if the Redis is another installation's.
    """
    try:
        installation.publish(stores.rounds, stores.check_installation())
    except (PostgresUnavailable, RedisUnavailable, AcceptUnknown):
        return  # this worker's installation is not known yet
    except ConfigurationError as error:
        guard.end(error)
    workers_alive.beat(stores.client, worker, stores.activity.to_json())


class Sweeper(threading.Thread):
    """Calls `run_once` every TICK_S until stopped. Rescues and overdue expire runs have separate threads, so that
    nothing they wait for delays the next check."""

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
                samples.take(self._stores)
                watch_memory(self._stores)  # last: with Redis at its limit it raises
            except redis.RedisError as error:
                log.warning("sweep_interrupted", error=str(error))
            except Exception:
                # The last resort must not end because of one lane's trouble.
                log.exception("sweep_failed")

    def stop(self) -> None:
        """Stop after the current batches. Returns when every thread has ended."""
        self._stores.stopping.set()
        self.join(timeout=10)
        self._threads.shutdown()
        with suppress(redis.RedisError):
            workers_alive.leave(self._stores.client, self._worker)

    def _begin_rescue(self, lane: int) -> None:
        self._begin(lane, lambda: rescue(self._stores, lane, self._ring))

    def _begin(self, what: int, work: Callable[[], object]) -> None:
        """Do some work in a thread, unless this process is doing it already. `what`: a lane, or EXPIRY."""

        def run() -> None:
            try:
                work()
            except Exception:
                log.exception("rescue_failed", lane=what)  # nobody waits for this thread's result
            finally:
                self._busy.discard(what)

        if what not in self._busy:
            self._busy.add(what)
            self._threads.submit(run)
