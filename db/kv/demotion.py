"""Demotion: connections to Redis that stay with a server only while it is the master.

After a failover an address may lead to the old master for a moment more, or a connection may still stand that was
made before: a replica refuses writes and serves reads that are older and older. So each new connection asks for the
server's role, then again each second of its use, and one whose server is not the master is closed. The next use makes
a new one, and finds the new master as soon as the address leads there.
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

#: Not ROLE: who may see the memory (workers/sweep.py) may ask this, too.
ASK_ROLE = ("INFO", "replication")
#: Seconds. For so long a server's role is believed; also how old a read can be that a demoted master serves.
ROLE_S = 1.0
#: What only a server says that is no master, or is none any more. Redis 6 puts its own words before a script's error.
_SAYS = ("READONLY ", "MASTERDOWN ", "UNBLOCKED ")


class Demoted(redis.ConnectionError):
    """Redis is no master: it takes no writes, and what it says may be old."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Questions:
    """Further commands for each new connection, and who judges the replies (an error among them is one, too)."""

    commands: Sequence[tuple[str, ...]]
    judge: Callable[[Sequence[Any]], object]


def says_demoted(error: object) -> bool:
    """Whether this reply says that its server is no master."""
    # redis-py takes the first word away where it has a class for it.
    return isinstance(error, ReadOnlyError | MasterDownError) or (
        isinstance(error, ResponseError) and any(word in str(error) for word in _SAYS)
    )


def check_role(reply: Any) -> None:
    """Go on if the reply to ASK_ROLE is a master's. Raises: Demoted, ConnectionError (it may not be asked)."""
    if isinstance(reply, ResponseError):
        raise redis.ConnectionError(f"Redis does not tell its role, allow INFO (+info): {reply}")
    if "role:master" not in (reply.decode() if isinstance(reply, bytes) else reply):
        raise Demoted


@functools.cache
def watched(connection_class: type[Any]) -> type[Any]:
    """The class of redis-py's connections, made to leave a server that is no master."""
    return type(f"Watched{connection_class.__name__}", (_Watched, connection_class), {})


class _Watched:
    """What is added to a connection of redis-py."""

    role_until = math.inf

    def check_health(self: Any) -> None:
        """Ask for the role if it was asked for too long ago; redis-py calls this before each command."""
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
        """A reply. One that only a demoted server gives is the last of its connection."""
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except ResponseError as error:
            if says_demoted(error):
                self.disconnect()
            raise


def greeting(questions: Questions | None) -> Callable[[Any], None]:
    """What redis-py is to do with a new connection: log in, ask for the role, then these questions."""

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
    """The same for a connection of redis.asyncio."""

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
