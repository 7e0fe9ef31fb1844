"""Heartbeats of workers in Redis: whether anybody drains the lanes, and what each worker does at the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from db.kv import keys, scripts
from db.kv.rounds import Command

#: Validity of a heartbeat, ms: twenty ticks of a sweeper.
LIFE_MS = 10_000


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that is alive. `doing`: what its heartbeat said (workers/activity.py); {} from older versions."""

    id: str
    beat_age_ms: int
    doing: Mapping[str, Any]


def beat(client: redis.Redis, worker: str, doing: Mapping[str, Any] | None = None) -> int:
    """Record a worker's heartbeat and what it does; return how many workers are alive. Raises redis-py's errors."""
    says = orjson.dumps(dict(doing or {})).decode()
    alive: Any = scripts.BEAT.run(client, [keys.WORKERS, keys.DOING], [worker, LIFE_MS, says])
    return int(alive)


def leave(client: redis.Redis, worker: str) -> None:
    """Remove a worker that ends. Raises redis-py's errors."""
    pipe = client.pipeline(transaction=False)
    pipe.zrem(keys.WORKERS, worker)
    pipe.hdel(keys.DOING, worker)
    pipe.execute()


def count_commands() -> list[Command]:
    """Return the commands whose replies `count` needs, for one round."""
    return [("TIME",), ("ZRANGE", keys.WORKERS, 0, -1, "WITHSCORES")]


def count(replies: list[Any]) -> int:
    """Return how many workers are alive, from the replies to `count_commands`."""
    return len(_alive(*replies))


def list_commands() -> list[Command]:
    """Return the commands whose replies `list_workers` needs, for one round."""
    return [*count_commands(), ("HGETALL", keys.DOING)]


def list_workers(replies: list[Any]) -> list[WorkerState]:
    """Return the workers that are alive, by id, from the replies to `list_commands`."""
    time, beats, flat = replies
    doing = dict(zip(flat[::2], flat[1::2], strict=True))
    return [
        WorkerState(worker, age_ms, orjson.loads(doing.get(worker, "{}")))
        for worker, age_ms in sorted(_alive(time, beats).items())
    ]


def _alive(time: list[Any], beats: list[Any]) -> dict[str, int]:
    """Return the workers whose heartbeat is fresh, and its age in ms."""
    now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
    ages = {worker: now_ms - int(float(score)) for worker, score in zip(beats[::2], beats[1::2], strict=True)}
    return {worker: max(0, age_ms) for worker, age_ms in ages.items() if age_ms < LIFE_MS}
