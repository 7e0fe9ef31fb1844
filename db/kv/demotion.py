"""Demotion: connections to Redis that leave a server once it is no longer the master.

After a failover, an address may lead to the old master for a while, or older connections may still be open to it. As
a replica it refuses writes and serves stale reads. So each new connection asks for the server's role, and again every
second of its use; it is closed if the server is not the master. The next use opens a new connection, which finds the
new master as soon as the address leads there.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import MasterDownError, ReadOnlyError, ResponseError

#: Not ROLE: the right to INFO is needed anyway, to watch the memory (workers/sweep.py).
ASK_ROLE = ("INFO", "replication")
#: Seconds for which a server's role is trusted; also the max age of a stale read from a demoted master.
ROLE_S = 1.0
#: Errors that only a replica or a demoted master sends. Redis 6 puts other words in front of a script's error.
_DEMOTED_ERRORS = ("READONLY ", "MASTERDOWN ", "UNBLOCKED ")


class Demoted(redis.ConnectionError):
    """Redis is not the master: it takes no writes, and its data may be stale."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Questions:
    """Further commands for each new connection, and a callable that judges their replies (which may be errors)."""

    commands: Sequence[tuple[str, ...]]
    judge: Callable[[Sequence[Any]], object]


def says_demoted(error: object) -> bool:
    """Return whether this reply shows that its server is not the master."""
    # redis-py removes the first word of errors for which it has a class.
    return isinstance(error, ReadOnlyError | MasterDownError) or (
        isinstance(error, ResponseError) and any(word in str(error) for word in _DEMOTED_ERRORS)
    )


def check_role(reply: Any) -> None:
    """Check the reply to ASK_ROLE. Raises: Demoted: not a master's.  ConnectionError: we may not use INFO."""
    if isinstance(reply, ResponseError):
        raise redis.ConnectionError(f"Redis does not show its role, allow INFO (+info): {reply}")
    if "role:master" not in (reply.decode() if isinstance(reply, bytes) else reply):
        raise Demoted


@functools.cache
def watched(connection_class: type[Any]) -> type[Any]:
    """Return a subclass of a connection class of redis-py that leaves a server that is not the master."""
    return type(f"Watched{connection_class.__name__}", (_Watched, connection_class), {})


class _Watched:
    """Added to a connection class of redis-py. `role_until`: when to ask for the role again, by time.monotonic."""

    role_until = math.inf

    def check_health(self: Any) -> None:
        """Ask for the role if the last answer is older than ROLE_S; redis-py calls this before each command."""
        super().check_health()  # type: ignore[misc]
        if time.monotonic() >= self.role_until:
            self.role_until = math.inf
            try:
                check_role(_exchange(self, [ASK_ROLE])[0])
            except redis.ConnectionError:
                self.disconnect()
                raise
            self.role_until = time.monotonic() + ROLE_S

    def read_response(self: Any, *args: Any, **options: Any) -> Any:
        """Return a reply; close the connection if the reply shows that the server was demoted."""
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except ResponseError as error:
            if says_demoted(error):
                self.disconnect()
            raise


def greeting(questions: Questions | None) -> Callable[[Any], None]:
    """Return what redis-py calls for a new connection: authenticate, ask for the role, then these questions."""

    def greet(connection: Any) -> None:
        connection.role_until = math.inf
        connection.on_connect()
        role, *replies = _exchange(connection, [ASK_ROLE, *(questions.commands if questions else ())])
        check_role(role)
        if questions:
            questions.judge(replies)
        connection.role_until = time.monotonic() + ROLE_S

    return greet


def async_greeting(questions: Questions | None) -> Callable[[Any], Awaitable[None]]:
    """Return the same as `greeting` for redis.asyncio."""

    async def greet(connection: Any) -> None:
        await connection.on_connect()
        commands = [ASK_ROLE, *(questions.commands if questions else ())]
        for command in commands:
            await connection.send_command(*command, check_health=False)
        replies = []
        for _ in commands:
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(error)
        check_role(replies[0])
        if questions:
            questions.judge(replies[1:])

    return greet


def _exchange(connection: Any, commands: Sequence[tuple[str, ...]]) -> list[Any]:
    for command in commands:
        connection.send_command(*command, check_health=False)
    replies = []
    for _ in commands:
        try:
            replies.append(connection.read_response())
        except ResponseError as error:
            replies.append(error)
    return replies
