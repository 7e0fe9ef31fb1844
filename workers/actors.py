"""The actors: what a Dramatiq message can start. Their names are wire format and never change.

The api and the scheduler import this module only to send messages, so what an actor does is imported when it begins;
a worker has imported it before (middleware.py).
"""

from __future__ import annotations

import dramatiq
import redis

from core import logs
from core.crash_points import point
from core.errors import OnsaleError
from workers.broker import QUEUE, broker, open_broker

__all__ = ["drain_lane", "expire_holds", "open_broker", "ring"]

log = logs.logger(__name__)


@dramatiq.actor(queue_name=QUEUE, broker=broker)
def drain_lane(lane: int) -> None:
    """The doorbell: drain this lane. Repeat: safe, also at the same time."""
    from workers import drain
    from workers.stores import stores

    drain.drain(stores(), lane, ring)
    point("drain over")


@dramatiq.actor(queue_name=QUEUE, broker=broker)
def expire_holds() -> None:
    """Accept an Expire for each show that has lapsed holds. Repeat: safe, at most one per show waits."""
    from workers import expire
    from workers.stores import stores

    expire.run_alone(stores(), ring)


def ring(lane: int) -> bool:
    """Send the doorbell; return False if it could not be sent, which is logged and costs only time."""
    try:
        drain_lane.send(lane)
        point("doorbell sent", redis.ConnectionError)
    except (redis.RedisError, OnsaleError) as error:
        log.warning("doorbell_not_sent", lane=lane, error=str(error))
        return False
    return True
