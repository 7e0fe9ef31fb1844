"""The Dramatiq broker: doorbells only, which may be lost or doubled. Imported before any actor.

It is made at import, because actors bind to it, but connects nowhere: a process's start function gives it an
address with `open_broker`. No Retries, no TimeLimit, no delayed messages: truth is in the lanes.
"""

from __future__ import annotations

import dramatiq
import redis
from dramatiq import Consumer
from dramatiq.brokers.redis import RedisBroker

from db.rounds import connection_pool

#: Seconds. A doorbell that cannot be sent at once is not worth waiting for: the sweeper comes within 3 s.
SOCKET_TIMEOUT_S = 1.0

#: A doorbell is to be heard at once: ms between two looks into an empty queue, at the most.
POLL_MS = 25


class DoorbellBroker(RedisBroker):
    """Dramatiq's broker, with a limit for its consumers alone, and no queues for what is delayed.

    Its own setting (dramatiq_worker_timeout) is for the worker's threads as well, and each of them would wake up as
    often for nothing; and a worker polls each queue of delayed messages as often as the queue itself.
    """

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = POLL_MS) -> Consumer:
        """A consumer that looks at least every POLL_MS."""
        return super().consume(queue_name, prefetch, min(timeout, POLL_MS))

    def get_declared_delay_queues(self) -> set[str]:
        """None: nothing is ever delayed."""
        return set()


broker = DoorbellBroker(  # type: ignore[no-untyped-call]
    client=redis.Redis(connection_pool=redis.ConnectionPool(host="broker.not.opened.invalid")),
    middleware=[],
    namespace="dramatiq",
    # A dead worker's doorbells are worth little, but must not pile up: look for them often, and soon.
    heartbeat_timeout=10_000,
    maintenance_chance=20_000,
)
dramatiq.set_broker(broker)


def open_broker(broker_url: str) -> None:
    """Give the broker its address. To be called once, in a process's start function."""
    broker.client.connection_pool = connection_pool(broker_url, socket_timeout_s=SOCKET_TIMEOUT_S, decode=False)
