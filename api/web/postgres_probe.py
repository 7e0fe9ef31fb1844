"""Whether Postgres answers, asked with short patience."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Engine

from core.errors import PostgresUnavailable
from db.postgres.engine import transaction

#: Seconds. A probe of Kubernetes gives up after one by default.
POSTGRES_PATIENCE_S = 0.3


class PostgresProbe:
    """Asks Postgres in a thread of its own: an attempt to connect may take seconds, the answer may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asking: Future[None] | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    async def answers(self) -> bool:
        """Whether Postgres answers, or has just now."""
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
        """Wait for an attempt that is under way; it has a connection of the engine. Repeat: nothing happens."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()

    def _ask(self) -> None:
        with transaction(self._engine):
            """Taking a connection is enough: the pool tries it out before it hands it over."""
