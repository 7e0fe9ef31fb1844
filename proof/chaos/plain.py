"""Clients of the servers as they are: those of the product refuse a server that is demoted, and could not heal it."""

from __future__ import annotations

from contextlib import closing

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds until a server that does not answer is given up.
TIMEOUT_S = 5.0


def valkey(url: str, *, timeout_s: float = TIMEOUT_S, decode: bool = True) -> redis.Redis:
    """A client of Redis or of the broker, whatever it is now. Nothing is repeated. Close it."""
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
    """Carry out statements as the database's owner, each by itself. Raises: psycopg's errors."""
    address = database_url.replace("postgresql+psycopg:", "postgresql:", 1)
    with closing(psycopg.connect(address, autocommit=True, connect_timeout=3)) as connection:
        for statement in ("SET default_transaction_read_only = off", *statements):
            connection.execute(statement.encode())
