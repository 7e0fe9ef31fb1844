"""The ring of samples in Redis: one per second, of the last hour, for an operator's console.

Each sample is one entry of a stream whose length is fixed, so the ring never grows. Any worker may write the next
one: a lease of nearly a second admits one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import redis

from db.kv import keys
from db.kv.rounds import Command

#: Samples in the ring, and for how long one is shown, ms: an hour.
SIZE, KEPT_MS = 3_600, 3_600_000
#: Life of the lease, ms: sweepers try twice a second.
LEASE_MS = 950


def take_turn(client: redis.Redis) -> bool:
    """Return whether the caller is to write the next sample. Raises redis-py's errors.

    A lease that would last longer than any lease does was set before Redis's clock was set back, and is removed.
    """
    pipe = client.pipeline(transaction=False)
    pipe.set(keys.SAMPLING, "1", nx=True, px=LEASE_MS)
    pipe.pttl(keys.SAMPLING)
    taken, left_ms = pipe.execute()
    if left_ms > 2 * LEASE_MS:
        client.delete(keys.SAMPLING)
    return bool(taken)


def add(client: redis.Redis, sample: Mapping[str, Any]) -> None:
    """Add a sample to the ring; the oldest beyond SIZE leaves it. Raises redis-py's errors."""
    pipe = client.pipeline(transaction=False)
    pipe.xadd(keys.SAMPLES, {"s": orjson.dumps(dict(sample)).decode()}, maxlen=SIZE, approximate=False)
    pipe.pexpire(keys.SAMPLES, KEPT_MS)
    pipe.execute()


def newest(client: redis.Redis) -> dict[str, Any] | None:
    """Return the newest sample; None if there is none. Raises redis-py's errors."""
    found: Any = client.xrevrange(keys.SAMPLES, count=1)
    return dict(orjson.loads(found[0][1]["s"])) if found else None


def read_command(after_ms: int, limit: int) -> Command:
    """Return the command whose reply `parse` reads: up to `limit` samples later than a time (ms), oldest first."""
    return ("XRANGE", keys.SAMPLES, after_ms + 1, "+", "COUNT", limit)


def parse(reply: Any) -> list[tuple[int, dict[str, Any]]]:
    """Return samples with their times, ms, from the reply to `read_command`."""
    return [(int(id_.partition("-")[0]), dict(orjson.loads(fields[1]))) for id_, fields in reply]
