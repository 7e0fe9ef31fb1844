"""Heartbeats of workers in Redis, by which an api knows whether anybody drains its lanes."""

from __future__ import annotations

from typing import Any

import redis

from db.kv import keys, scripts
from db.kv.rounds import Command

#: Validity of a heartbeat, ms: twenty ticks of a sweeper.
LIFE_MS = 10_000


def beat(client: redis.Redis, worker: str) -> int:
    """Record a worker's heartbeat; return how many workers are alive. Raises redis-py's errors."""
    alive: Any = scripts.BEAT.run(client, [keys.WORKERS], [worker, LIFE_MS])
    return int(alive)


def leave(client: redis.Redis, worker: str) -> None:
    """Remove a worker that ends. Raises redis-py's errors."""
    client.zrem(keys.WORKERS, worker)


def count_commands() -> list[Command]:
    """Return the commands whose replies `count` needs, for one round."""
    return [("TIME",), ("ZRANGE", keys.WORKERS, 0, -1, "WITHSCORES")]


def count(replies: list[Any]) -> int:
    """Return how many workers are alive, from the replies to `count_commands`."""
    time, beats = replies
    now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
    return sum(1 for score in beats[1::2] if float(score) > now_ms - LIFE_MS)
