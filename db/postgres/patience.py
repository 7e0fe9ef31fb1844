"""Patience: how long a process waits for Postgres, by its own clock, and how it treats a server that hangs.

A stopped server, or one behind a network that drops packets, neither closes connections nor answers; and
statement_timeout is enforced by the server itself. So each exchange has a deadline here. When it has passed, the
connection is closed and the caller gets an error. All connections of the engine are then replaced; until a new one
succeeds, one caller per second tries, and the others fail at once as unavailable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

#: Max seconds for a connection attempt, per host of the address (libpq waits at least 2); for a connection of the
#: pool to become free; and for an exchange outside a transaction (the pool's ping, the guard's query).
CONNECT_S, POOL_S, PING_S = 2, 2.0, 1.0
#: Seconds beyond the server's statement_timeout until we give up on a statement.
MARGIN_S = 1.0
#: Seconds between two attempts to connect while Postgres does not answer.
PAUSE_S = 1.0

Greet = Callable[["PatientConnection"], object]


class PatientConnection(psycopg.Connection[Any]):
    """A connection each of whose exchanges ends within `patience_s` seconds (None: no limit)."""

    patience_s: float | None = None
    made_at = 0.0
    patience: Patience

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Make one exchange. Raises: OperationalError: it took too long; the connection is closed."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, PING_S if self._autocommit else self.patience_s)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()  # the server may still execute what was sent, but nobody reads the answer
            self.patience.lost()
            raise psycopg.OperationalError("Postgres does not answer in time") from error

    def allow(self, statement_timeout_ms: int) -> None:
        """Wait for each statement MARGIN_S longer than the server's timeout. 0: no limit."""
        self.patience_s = statement_timeout_ms / 1000 + MARGIN_S if statement_timeout_ms else None


class Patience:
    """What the connections of one engine have found out about their server."""

    def __init__(self, statement_timeout_ms: int, greet: Greet | None = None) -> None:
        self._statement_timeout_ms = statement_timeout_ms
        self._greet = greet
        self._lock = threading.Lock()
        #: Older connections are not used again. Time by time.monotonic, seconds.
        self._stale_at = 0.0
        #: When the next caller may try to connect, by the same clock; None while Postgres answers.
        self._again_at: float | None = None

    def connect(self, *args: Any, **parameters: Any) -> PatientConnection:
        """Connect, and have the guard check the server. Raises: OperationalError."""
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
            except BaseException:  # whatever it was, nobody else closes this connection
                connection.close()
                raise
        self._again_at = None
        return connection

    def restore(self, connection: PatientConnection) -> None:
        """Restore the normal limit after a transaction that had another."""
        connection.allow(self._statement_timeout_ms)

    def stale(self, connection: PatientConnection) -> bool:
        """Return whether the connection is older than the last failure, and must not be used."""
        return connection.made_at < self._stale_at

    def renew(self) -> None:
        """Have every connection replaced before its next use: their server takes no writes."""
        self._stale_at = time.monotonic()

    def lost(self, pause_s: float = 0.0) -> None:
        """Note that Postgres did not answer in time: replace all connections, and let one caller at a time reconnect.

        `pause_s`: seconds until the first attempt; 0, at once, if the connection alone may have failed.
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
