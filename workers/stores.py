"""What a worker process holds open: Postgres, Redis, its settings. Opened once, after Dramatiq's fork."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from core.halls import Hall
from core.settings import Settings
from db.engine import make_engine
from db.rounds import Rounds, connection_pool

#: Longer than the longest blocking read (half a marker's life), in seconds.
SOCKET_TIMEOUT_S = 5.0


@dataclass
class Stores:
    """The stores of one worker process. `halls` keeps plans, which never change."""

    settings: Settings
    engine: Engine
    client: redis.Redis
    rounds: Rounds
    halls: dict[int, Hall] = field(default_factory=dict)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.client.close()
        self.rounds.close()


def open_stores(settings: Settings) -> Stores:
    """The stores for this process. Nothing connects before the first use."""
    return Stores(
        settings=settings,
        engine=make_engine(settings.database_url, pool_size=settings.lanes + 2, statement_timeout_ms=10_000),
        client=redis.Redis(connection_pool=connection_pool(settings.redis_url, socket_timeout_s=SOCKET_TIMEOUT_S)),
        rounds=Rounds(settings.redis_url),
    )
