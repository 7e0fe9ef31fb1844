"""Clients without the product's guards, which refuse a demoted server and so could not heal it."""

from __future__ import annotations

from contextlib import closing

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds until a command without an answer fails.
TIMEOUT_S = 5.0


def valkey(url: str, *, timeout_s: float = TIMEOUT_S, decode: bool = True) -> redis.Redis:
    """Return a client of Redis or the broker, whatever role the server has. It retries nothing. Close it."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        decode_responses=decode,
        encoding_errors="surrogateescape",
        socket_timeout=timeout_s,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
    )


def as_owner(database_url: str, *statements: str) -> None:
    """Execute statements as the database's owner, each in its own transaction. Raises: psycopg's errors."""
    address = database_url.replace("postgresql+psycopg:", "postgresql:", 1)
    with closing(psycopg.connect(address, autocommit=True, connect_timeout=3)) as connection:
        for statement in ("SET default_transaction_read_only = off", *statements):
            connection.execute(statement.encode())
