"""Patience: how long a process waits for Postgres, by its own clock, and what it does with a server that hangs.

A server that is stopped, or behind a network that swallows packets, closes nothing and answers nothing, and
statement_timeout is kept by the server. So each exchange has a deadline here: when it has passed, the connection is
closed and the caller gets an error. Then all connections of the engine are made anew, and until one succeeds a
single caller a second tries; the others are told at once that Postgres is unavailable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

#: Seconds. A connection attempt, for each host of the address (libpq waits at least 2); a wait for a connection of
#: the pool; an exchange outside any transaction (the pool's ping, the guard's questions).
CONNECT_S, POOL_S, PING_S = 2, 2.0, 1.0
#: How much longer than the server's own statement_timeout a statement may take until we give up.
MARGIN_S = 1.0
#: Seconds between two attempts to connect while Postgres does not answer.
PAUSE_S = 1.0

Greet = Callable[["PatientConnection"], object]


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose every exchange ends within `patience_s` seconds (None: whenever it ends)."""

    patience_s: float | None = None
    made_at = 0.0
    patience: Patience

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Do one exchange. Raises: OperationalError: it took too long, and the connection is closed."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, PING_S if self._autocommit else self.patience_s)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()  # what was sent may be carried out, but its answer reaches nobody
            self.patience.lost()
            raise psycopg.OperationalError("Postgres does not answer in time") from error

    def allow(self, statement_timeout_ms: int) -> None:
        """Wait for each statement a little longer than the server lets it take. 0: as long as it takes."""
        self.patience_s = statement_timeout_ms / 1000 + MARGIN_S if statement_timeout_ms else None


class Patience:
    """What the connections of one engine know together of the server behind them."""

    def __init__(self, statement_timeout_ms: int, greet: Greet | None = None) -> None:
        self._statement_timeout_ms = statement_timeout_ms
        self._greet = greet
        self._lock = threading.Lock()
        #: Connections that are older are not used again. Both: time.monotonic, seconds.
        self._stale_at = 0.0
        #: When the next caller may try to connect; None while Postgres answers.
        self._again_at: float | None = None

    def connect(self, *args: Any, **parameters: Any) -> PatientConnection:
        """Connect, and ask the server what the guard wants to know. Raises: OperationalError."""
        self._admit()
        try:
            connection = PatientConnection.connect(*args, **parameters)
        except psycopg.errors.ConnectionTimeout:
            self.lost(pause_s=PAUSE_S)
            raise
        connection.patience = self
        connection.allow(self._statement_timeout_ms)
        connection.made_at = time.monotonic()
        if self._greet is not None:
            try:
                connection.autocommit = True
                self._greet(connection)
                connection.autocommit = False
            except BaseException:
                connection.close()
                raise
        self._again_at = None
        return connection

    def restore(self, connection: PatientConnection) -> None:
        """Undo what a transaction has allowed."""
        connection.allow(self._statement_timeout_ms)

    def stale(self, connection: PatientConnection) -> bool:
        """Whether the connection is from before a moment at which the server was found useless."""
        return connection.made_at < self._stale_at

    def renew(self) -> None:
        """Have every connection made anew before its next use: the server behind them takes no writes."""
        self._stale_at = time.monotonic()

    def lost(self, pause_s: float = 0.0) -> None:
        """Postgres has not answered in time: make all connections anew, and do not let everybody try.

        It may have been the connection alone: the next caller tries at once.
        """
        with self._lock:
            self._stale_at = time.monotonic()
            if pause_s or self._again_at is None:
                self._again_at = self._stale_at + pause_s

    def _admit(self) -> None:
        if self._again_at is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._again_at is not None:
                if now < self._again_at:
                    raise psycopg.OperationalError("Postgres did not answer a moment ago")
                self._again_at = now + PAUSE_S
