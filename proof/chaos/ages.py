"""A sampler of the age of each lane's oldest undecided entry, read from Redis four times a second.

It has its own connection, past every link, with a short timeout: while Redis does not answer, there is no sample. The
age of an entry is measured by Redis's clock or, if that is more, since this process first saw it at the head: ids
may be ahead of the clock.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

import redis

from core.operations import StreamId
from db.kv import keys
from proof.chaos.unguarded_clients import valkey

#: Seconds between two samples, and until one without an answer is abandoned.
LOOK_S, TIMEOUT_S = 0.25, 1.0


class Age(NamedTuple):
    """One sample of one lane that is not empty. `at`: seconds since 1970."""

    at: float
    lane: int
    age_s: float
    depth: int


class Ages(threading.Thread):
    """The sampling thread, which runs inside its `with` block. `samples`: in order of time."""

    def __init__(self, redis_url: str, lanes: int) -> None:
        super().__init__(name="ages", daemon=True)
        self.samples: list[Age] = []
        self._lanes = lanes
        self._client = valkey(redis_url, timeout_s=TIMEOUT_S)
        self._heads: dict[int, tuple[str, float]] = {}
        self._stopped = threading.Event()

    def __enter__(self) -> Ages:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stopped.set()
        self.join(timeout=10)
        self._client.close()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_S):
            with suppress(redis.RedisError):  # unavailable: no sample
                self.look()

    def look(self) -> None:
        """Take one sample of each lane. Raises: redis-py's errors."""
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        for lane in range(self._lanes):
            pipe.xrange(keys.lane(lane), count=1)
            pipe.xlen(keys.lane(lane))
        (seconds, micros), *replies = pipe.execute()
        self.note(time.time(), int(seconds) * 1000 + int(micros) // 1000, replies)

    def note(self, at: float, now_ms: int, replies: list[Any]) -> None:
        """Add the sample taken at `at`. `replies`: each lane's head and length; `now_ms`: Redis's time."""
        for lane in range(self._lanes):
            head, depth = replies[2 * lane : 2 * lane + 2]
            if not head:
                self._heads.pop(lane, None)
                continue
            id_ = head[0][0]
            known, since = self._heads.get(lane, ("", at))
            if known != id_:
                self._heads[lane] = (id_, since := at)
            age_s = max((now_ms - StreamId.parse(id_).ms) / 1000, at - since)
            self.samples.append(Age(at, lane, age_s, depth))
