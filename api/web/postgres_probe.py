"""A probe of Postgres with a short timeout."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Engine

from core.errors import PostgresUnavailable
from db.postgres.engine import transaction

#: Seconds. A probe of Kubernetes times out after one by default.
POSTGRES_PATIENCE_S = 0.3


class PostgresProbe:
    """Checks Postgres in a separate thread: an attempt to connect may take seconds, the probe may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking: Future[None] | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    async def answers(self) -> bool:
        """Return whether Postgres answers within POSTGRES_PATIENCE_S. Concurrent callers share one attempt."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="postgres-probe")
            if self._asking is None or self._asking.done():
                self._asking = self._executor.submit(self._ask)
            asking = self._asking
        try:
            async with asyncio.timeout(POSTGRES_PATIENCE_S):
                await asyncio.shield(asyncio.wrap_future(asking))
        except (PostgresUnavailable, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Wait for an attempt under way, which uses a connection of the engine.   Repeat: no effect."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    def _ask(self) -> None:
        with transaction(self._engine):
            """Getting a connection is enough: the pool tests it first."""
