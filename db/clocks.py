"""The clocks of Redis and Postgres, and lanes whose ids are ahead because Redis's clock was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from sqlalchemy import Connection, text

from db.kv import keys, scripts


@dataclass(frozen=True, slots=True)
class LaneAhead:
    """A lane whose newest id is `ahead_ms` ahead of Redis's clock. `reset`: its epoch has been ended."""

    lane: int
    ahead_ms: int
    reset: bool


def redis_ms(client: redis.Redis) -> int:
    """Return Redis's time, ms. Raises redis-py's errors."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def postgres_ms(connection: Connection) -> int:
    """Return Postgres's time, ms."""
    statement = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
    return int(connection.execute(statement).scalar_one())


def lanes_ahead(client: redis.Redis, lanes: int, tolerance_ms: int, *, reset: bool) -> list[LaneAhead]:
    """Return the lanes whose ids are further ahead than `tolerance_ms`; with `reset`, end the epoch of empty ones.

    Raises: redis-py's errors.   Repeat: a lane that was reset is no longer ahead.
    """
    found = []
    for lane in range(lanes):
        script_keys = [keys.lane(lane), keys.meter(lane)]
        reply: Any = scripts.RESET_LANE.run(client, script_keys, [tolerance_ms, int(reset)])
        ahead_ms, was_reset = reply
        if ahead_ms:
            found.append(LaneAhead(lane, int(ahead_ms), bool(was_reset)))
    return found
