"""Connections to Redis for an event loop, whose bytes we parse: replies in async_rounds.py, messages in channels.py.

redis.asyncio opens them and checks the server. Its own reading would cost a lock and several awaits per call.
"""

from __future__ import annotations

from typing import Any

import hiredis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse

from db.kv.demotion import Questions, async_greeting


def connection_pool(
    url: str, *, socket_timeout_s: float, questions: Questions | None
) -> redis.asyncio.ConnectionPool:
    """Return the pool whose class and arguments make connections, as `connection_pool` of db/kv/rounds.py does."""
    return redis.asyncio.ConnectionPool.from_url(
        url,
        protocol=2,
        decode_responses=True,
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=async_greeting(questions),
    )


def reply_reader(connection: Any) -> hiredis.Reader:
    """Return a parser of what a connection sends. Errors come as redis-py's; text that is no UTF-8 is kept."""
    return hiredis.Reader(
        protocolError=InvalidResponse,
        replyError=connection._parser.parse_error,
        encoding="utf-8",
        errors="surrogateescape",
    )
