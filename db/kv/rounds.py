"""Rounds: Redis calls of threads that share one connection, for infrequent calls (others: db/kv/async_rounds.py).

Nothing is retried automatically: a script may have run although its reply was lost, and the error says so.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from core.errors import AcceptUnknown, RedisUnavailable
from db.kv import scripts
from db.kv.demotion import Questions, greeting, says_demoted, watched

Command = tuple[str | int, ...]


def connection_pool(
    url: str, *, socket_timeout_s: float, decode: bool = True, questions: Questions | None = None
) -> redis.ConnectionPool:
    """Return a pool whose connections leave a server that is not the master (db/kv/demotion.py).

    New connections ask `questions`. They never retry: a script may have run although its reply was lost.
    """
    pool = redis.ConnectionPool.from_url(
        url,
        protocol=2,
        decode_responses=decode,
        encoding_errors="surrogateescape",
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=greeting(questions),
    )
    pool.connection_class = watched(pool.connection_class)
    return pool


def unable(error: Exception) -> bool:
    """Return whether Redis says that it cannot execute any command at present; then nothing ran."""
    return isinstance(error, BusyLoadingError) or says_demoted(error) or str(error).startswith(_UNABLE)


_UNABLE = ("BUSY ", "MISCONF ", "NOREPLICAS ", "CLUSTERDOWN ", "TRYAGAIN ")


def script_loads(commands: Sequence[Command]) -> list[Command]:
    """Return the commands that load the scripts of a call, for a Redis that was restarted and has none.

    The call can then be sent again: a script that got NOSCRIPT did not run, and calls with several commands contain
    only commands that may be repeated.
    """
    needed = {str(command[1]) for command in commands if command[0] == "EVALSHA"}
    return [("SCRIPT", "LOAD", scripts.BY_SHA[sha].source) for sha in sorted(needed)]


class Rounds:
    """One connection to Redis, shared by the threads of a process. Connects at the first call."""

    def __init__(self, url: str, *, timeout_s: float = 2.0, questions: Questions | None = None) -> None:
        self._pool = connection_pool(url, socket_timeout_s=timeout_s, questions=questions)
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._turn = threading.Lock()

    def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        """Send commands in one write and return their replies; wait up to `timeout_s` for the connection.

        Raises: RedisUnavailable: nothing was sent, or (without `writes`) there was no answer.  AcceptUnknown: it was
        sent, and there was no answer.  ResponseError: Redis refused one of the commands.
        """
        if not self._turn.acquire(timeout=self._timeout_s):
            raise RedisUnavailable
        try:
            replies = self._call(commands, writes)
        finally:
            self._turn.release()
        for reply in replies:
            if isinstance(reply, RedisError):
                raise RedisUnavailable() if unable(reply) else reply
        return replies

    def close(self) -> None:
        """Close the connection. The next call opens a new one."""
        with self._turn:
            self._disconnect()

    def _call(self, commands: Sequence[Command], writes: bool) -> list[Any]:
        try:
            connection = self._connected()
        except (RedisError, OSError) as error:
            self._disconnect()
            raise RedisUnavailable from error
        try:
            replies = _exchange(connection, commands)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                loads = script_loads(commands)
                replies = _exchange(connection, [*loads, *commands])[len(loads) :]
        except (RedisError, OSError) as error:
            self._disconnect()
            raise (AcceptUnknown if writes else RedisUnavailable) from error
        except BaseException:  # Ctrl-C, too: otherwise the next call would read the remaining replies
            self._disconnect()
            raise
        return replies

    def _connected(self) -> Any:
        """Return the connection; a new one if there is none, the server has closed it, or is no longer the master.

        Between calls no reply is due, so a readable connection has been closed, and a call on it would be lost.
        """
        connection = self._connection
        if connection is not None:
            with suppress(RedisError, OSError):
                if connection.can_read(timeout=0):
                    connection.disconnect()
                if connection.is_connected:
                    connection.check_health()
                    return connection
            self._disconnect()
        # Not the pool's make_connection: it counts all connections ever made, and refuses for good after a hundred.
        connection = self._pool.connection_class(**self._pool.connection_kwargs)
        connection.connect()
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()


def _exchange(connection: Any, commands: Sequence[Command]) -> list[Any]:
    """Send commands and return their replies, errors included. Raises: RedisUnavailable: nothing ran."""
    connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    replies: list[Any] = []
    for _ in commands:
        try:
            replies.append(connection.read_response())
        except ResponseError as error:
            if says_demoted(error):  # the connection has closed itself
                raise RedisUnavailable from error
            replies.append(error)
    return replies
