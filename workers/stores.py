"""The stores of a worker process: Postgres, Redis, and what it keeps between batches.

Opened after Dramatiq's fork.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from core.errors import ConfigurationError
from core.halls import Hall
from core.recent import Recent
from core.settings import Settings
from db import guard
from db.installation import Installation
from db.kv.rounds import Rounds, connection_pool
from db.postgres.engine import make_engine
from workers.activity import Activity
from workers.kept_seats import KeptSeats

#: Bytes for the halls that a worker keeps: some 4,000 screens, or 200 stadiums.
HALLS_BYTES = 32_000_000
#: Longer than the longest blocking read (half a lease's life), in seconds.
SOCKET_TIMEOUT_S = 5.0


@dataclass
class Stores:
    """The stores of one worker process. `halls` keeps the most recently used ones; a plan never changes."""

    settings: Settings
    engine: Engine
    client: redis.Redis
    rounds: Rounds
    halls: Recent[int, Hall] = field(default_factory=lambda: Recent(HALLS_BYTES, lambda hall: hall.size))
    kept_seats: KeptSeats = field(default_factory=KeptSeats)
    #: Per lane, how many entries the next batch may take, if fewer than Settings.batch.
    batch_sizes: dict[int, int] = field(default_factory=dict)
    #: Lanes of this worker whose next entry comes soon after each batch (workers/drain.py BUSY_S).
    busy_lanes: set[int] = field(default_factory=set)
    #: Contested shows whose taken seats accept.lua does not know: their next batch reads them
    #: (workers/taken_seats.py).
    contested: set[int] = field(default_factory=set)
    #: What was last checked or logged when, by time.monotonic() (workers/late_bookings.py).
    watched: dict[str, float] = field(default_factory=dict)
    activity: Activity = field(default_factory=Activity)
    #: Redis is short of memory: final statuses leave it sooner.
    short_of_memory: bool = False
    #: Set when the process must end: drains end after the current batch.
    stopping: threading.Event = field(default_factory=threading.Event)
    _installation: Installation | None = None

    @property
    def final_ttl_s(self) -> int:
        """Return for how many seconds a final status stays in Redis: a sixtieth of it when memory is short."""
        ttl_s = self.settings.status_ttl_s
        return max(1, ttl_s // 60) if self.short_of_memory else ttl_s

    def check_installation(self) -> Installation:
        """Check once that Postgres, Redis and LANES belong to one installation, and return it.

        Raises: ConfigurationError: they do not, so shows would be in wrong lanes, or lanes would be another's.
                PostgresUnavailable, RedisUnavailable, AcceptUnknown.
        """
        if self._installation is None:
            self._installation = guard.check_installation(self.engine, self.rounds, self.settings)
        return self._installation

    def due(self, what: str, every_s: float) -> bool:
        """Return whether this process has not done something for `every_s` seconds; the caller does it now."""
        now = time.monotonic()
        if now - self.watched.get(what, -every_s) < every_s:
            return False
        self.watched[what] = now
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.client.close()
        self.rounds.close()


def open_stores(settings: Settings) -> Stores:
    """Return the stores for this process. Nothing connects before the first use."""
    return Stores(
        settings=settings,
        engine=make_engine(
            settings.database_url,
            pool_size=settings.lanes + 2,
            statement_timeout_ms=10_000,
            pre_ping=False,
            by_key=True,
            greet=guard.for_postgres(settings, "worker"),
        ),
        client=redis.Redis(
            connection_pool=connection_pool(
                settings.redis_url, socket_timeout_s=SOCKET_TIMEOUT_S, questions=guard.for_redis(settings)
            )
        ),
        rounds=Rounds(settings.redis_url, questions=guard.for_redis(settings)),
    )


_stores: Stores | None = None


def stores() -> Stores:
    """Return this process's stores. Raises ConfigurationError if `use` was not called: no worker runs here."""
    if _stores is None:
        raise ConfigurationError("This process has no worker's stores.")
    return _stores


def use(opened: Stores | None) -> None:
    """Make these the stores with which the actors of this process work."""
    global _stores
    _stores = opened
