"""The actors: what a Dramatiq message can start. Their names are wire format and never change."""

from __future__ import annotations

import dramatiq
import redis

from core import logs
from core.crash_points import point
from core.errors import OnsaleError
from workers import drain, expire
from workers.broker import QUEUE, broker, open_broker
from workers.stores import stores

__all__ = ["drain_lane", "expire_holds", "open_broker", "ring"]

log = logs.logger(__name__)


@dramatiq.actor(queue_name=QUEUE, broker=broker)
def drain_lane(lane: int) -> None:
    """The doorbell: drain this lane. Repeat: safe, also at the same time."""
    drain.drain(stores(), lane, ring)
    point("drain over")


@dramatiq.actor(queue_name=QUEUE, broker=broker)
def expire_holds() -> None:
    """Accept an Expire for each show that has lapsed holds. Repeat: safe, at most one per show waits."""
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
