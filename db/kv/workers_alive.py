"""Heartbeats of workers, in Redis: an api knows whether anybody drains the lanes that it fills."""

from __future__ import annotations

from typing import Any

import redis

from db.kv import keys, scripts
from db.kv.rounds import Command

#: Milliseconds for which a heartbeat counts: twenty ticks of a sweeper.
LIFE_MS = 10_000


def beat(client: redis.Redis, worker: str) -> int:
    """Say that a worker is alive; returns how many are. Raises redis-py's errors."""
    alive: Any = scripts.BEAT.run(client, [keys.WORKERS], [worker, LIFE_MS])
    return int(alive)


def leave(client: redis.Redis, worker: str) -> None:
    """Say that a worker ends. Raises redis-py's errors."""
    client.zrem(keys.WORKERS, worker)


def count_commands() -> list[Command]:
    """What `count` needs to read, as commands of one round."""
    return [("TIME",), ("ZRANGE", keys.WORKERS, 0, -1, "WITHSCORES")]


def count(replies: list[Any]) -> int:
    """How many workers are alive, from the replies to `count_commands`."""
    time, beats = replies
    now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
    return sum(1 for score in beats[1::2] if float(score) > now_ms - LIFE_MS)
