"""Rounds: Redis calls of threads that take turns on one connection, for what is rare (else db/kv/async_rounds.py).

Nothing is ever sent twice by itself: a script may have run although its reply was lost, and the error says so.
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
    """A pool whose connections leave a server that is no master (db/kv/demotion.py), and ask `questions` when made.

    They never retry by themselves: a script may have run although its reply was lost.
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
    """Whether Redis says that it can do nothing just now, whatever it is asked; then nothing ran."""
    return isinstance(error, BusyLoadingError) or says_demoted(error) or str(error).startswith(_UNABLE)


_UNABLE = ("BUSY ", "MISCONF ", "NOREPLICAS ", "CLUSTERDOWN ", "TRYAGAIN ")


def script_loads(commands: Sequence[Command]) -> list[Command]:
    """Return the commands that load the scripts of a call, for a Redis that was restarted and knows none.

    NOSCRIPT says that nothing of the call ran, and a call of several commands has only such as may be repeated.
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
        """Send commands in one write and return their replies; the call waits `timeout_s` for its turn.

        Raises: RedisUnavailable: nothing of it was sent, or (not `writes`) no answer came.  AcceptUnknown: it was
        sent, and no answer came.  ResponseError: Redis refused one of the commands.
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
        except BaseException:  # a Ctrl-C too: what is still to be read would be the next call's
            self._disconnect()
            raise
        return replies

    def _connected(self) -> Any:
        """The connection, a new one if there is none, the server has closed it, or it is no master any more.

        Between calls nothing is due to be read: a readable connection is a closed one, and a call sent there would
        be lost without need.
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
        # Not the pool's make_connection: it counts what it ever made, and refuses for good after a hundred.
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
            if says_demoted(error):  # and the connection is closed
                raise RedisUnavailable from error
            replies.append(error)
    return replies
