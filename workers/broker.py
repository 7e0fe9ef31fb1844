"""The Dramatiq broker: doorbells only, which may be lost or doubled. Imported before any actor.

It is created at import, because actors bind to it, but connects to nothing: a process's start function gives it an
address with `open_broker`. No retries, time limits or delayed messages: the lanes hold the truth.
"""

from __future__ import annotations

import time
from typing import Any

import dramatiq
import redis
from dramatiq import Consumer
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import OutOfMemoryError

from core import logs
from core.errors import OnsaleError
from db.kv.rounds import connection_pool

log = logs.logger(__name__)

#: One queue for all actors: Dramatiq polls each queue of a worker, and its delay queue, some fifty times per second.
QUEUE = "doorbells"
#: The most doorbells that wait in the broker, some 300 bytes each. If that many wait, nobody reads them.
MOST_WAITING = 1_000
#: Milliseconds after which a doorbell is dropped unread: the sweepers have checked its lane since.
MAX_AGE_MS = 30_000

#: Seconds. A doorbell that cannot be sent at once is not worth waiting for: the sweeper finds the lane within 3 s.
SOCKET_TIMEOUT_S = 1.0

#: The longest time between two polls of an empty queue, ms, so that doorbells are read at once.
POLL_MS = 25


#: Seconds after a failed attempt in which this process makes no other: with a broker that hangs, each attempt
#: occupies a thread for SOCKET_TIMEOUT_S, and the sweepers find the lanes meanwhile.
REST_S = 5.0


class DoorbellsUnread(OnsaleError):
    """The broker holds as many doorbells as it may, so no worker is reading them."""

    code = "doorbells_unread"


class BrokerUnavailable(OnsaleError):
    """The broker failed a few seconds ago, and is not tried again yet."""

    code = "broker_unavailable"


class DoorbellBroker(RedisBroker):
    """Dramatiq's broker, with a limit for its consumers alone, no queues for what is delayed, and a bounded queue.

    Dramatiq's own setting (dramatiq_worker_timeout) would wake each of the worker's threads as often, too; and a
    worker polls each queue of delayed messages as often as the queue itself.
    """

    rests_until = 0.0

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Enqueue a doorbell, unless MOST_WAITING wait, or the broker has failed in the last REST_S.

        A full broker is emptied first: each of Dramatiq's scripts begins with a write that maxmemory refuses, so
        not even an acknowledgement would free anything, and doorbells may be lost.

        Raises: DoorbellsUnread, BrokerUnavailable, redis-py's errors.
        """
        if time.monotonic() < self.rests_until:
            raise BrokerUnavailable
        try:
            return self._enqueue(message, delay)
        except redis.RedisError:
            self.rests_until = time.monotonic() + REST_S
            raise

    def _enqueue(self, message: dramatiq.Message[Any], delay: int | None) -> dramatiq.Message[Any]:
        if self.client.llen(f"{self.namespace}:{message.queue_name}") >= MOST_WAITING:
            raise DoorbellsUnread
        try:
            return super().enqueue(message, delay=delay)
        except OutOfMemoryError:
            log.warning("broker_full", lost=self._drop(message.queue_name))
            return super().enqueue(message, delay=delay)

    def _drop(self, queue_name: str) -> int:
        """Drop every doorbell, also those that are fetched and not acknowledged; return how many waited."""
        queue = f"{self.namespace}:{queue_name}"
        waiting: int = self.client.llen(queue)
        fetched = self.client.scan_iter(match=f"{self.namespace}:__acks__.*", count=1000)
        self.client.unlink(queue, f"{queue}.msgs", *fetched)
        return waiting

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = POLL_MS) -> Consumer:
        """Return a consumer that polls at least every POLL_MS."""
        return super().consume(queue_name, prefetch, min(timeout, POLL_MS))

    def get_declared_delay_queues(self) -> set[str]:
        """Return none: no message is ever delayed."""
        return set()


broker = DoorbellBroker(  # type: ignore[no-untyped-call]
    client=redis.Redis(connection_pool=redis.ConnectionPool(host="broker.not.opened.invalid")),
    middleware=[],
    namespace="dramatiq",
    # A dead worker's doorbells are worth little, but must not pile up: look for them soon and often.
    heartbeat_timeout=10_000,
    maintenance_chance=20_000,
)
dramatiq.set_broker(broker)


def open_broker(broker_url: str) -> None:
    """Give the broker its address. To be called once, by a process's start function."""
    broker.rests_until = 0.0
    broker.client.connection_pool = connection_pool(broker_url, socket_timeout_s=SOCKET_TIMEOUT_S, decode=False)
