"""A sampler of lane lengths, Redis's memory and the decisions so far: a thread, four times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import psycopg
import redis

from db.kv import keys
from db.kv.rounds import connection_pool
from proof.bench.servers import DATABASE, Servers, plain
from proof.bench.sql.tables import DECIDED

EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    at: seconds of `time.perf_counter`.   waiting: entries per lane.   memory: bytes.   decided: decisions so far.
    """

    at: float
    waiting: list[int]
    memory: int
    decided: int


class Watch:
    """The sampler, which runs inside its `with` block. `memory_limit`: Redis's maxmemory in bytes."""

    def __init__(self, servers: Servers) -> None:
        self._lanes = servers.lanes
        self._database = psycopg.connect(plain(servers.url(DATABASE)), autocommit=True)
        self._client: Any = redis.Redis(connection_pool=connection_pool(servers.stores.redis_url, socket_timeout_s=5))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.memory_limit = int(self._client.info("memory")["maxmemory"])
        self.samples = [self._look()]

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()
        self._database.close()

    @property
    def last(self) -> Sample:
        """The latest sample."""
        return self.samples[-1]

    def _look(self) -> Sample:
        row = self._database.execute(DECIDED).fetchone()
        at = time.perf_counter()
        waiting = [self._client.xlen(keys.lane(lane)) for lane in range(self._lanes)]
        return Sample(at, waiting, self._client.info("memory")["used_memory"], row[0] if row else 0)

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self.samples.append(self._look())


def between(samples: Sequence[Sample], begun: float, ended: float) -> list[Sample]:
    """Return the samples between two times of the clock."""
    return [each for each in samples if begun <= each.at <= ended]


def decided_per_s(samples: Sequence[Sample]) -> float:
    """Return the mean rate from the first sample to the last; 0 if there are fewer than two."""
    if len(samples) < 2:
        return 0.0
    first, last = samples[0], samples[-1]
    return (last.decided - first.decided) / (last.at - first.at)
