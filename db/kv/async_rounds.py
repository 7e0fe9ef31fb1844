"""Rounds on an event loop: the Redis calls of an api process, sent together like a group commit.

All calls of one turn of the loop are sent in one write, and Redis answers them in order. So under load one write,
one read and (in Redis) one fsync serve many requests, and an idle process sends at once. Nothing is retried
automatically. Every call ends: with its replies, or with an error that says whether it may have run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.exceptions import NoScriptError, RedisError

from core.crash_points import point
from core.errors import AcceptUnknown, OnsaleError, RedisUnavailable
from db.kv.async_connections import connection_pool, reply_reader
from db.kv.demotion import ASK_ROLE, ROLE_S, Questions, check_role, says_demoted
from db.kv.rounds import Command, script_loads, unable

#: Bytes of one read.
READ = 1 << 16


class _Call:
    """One caller's commands, and their replies or error."""

    __slots__ = ("commands", "deadline", "done", "error", "packed", "replies", "writes")

    def __init__(self, commands: Sequence[Command], writes: bool, done: asyncio.Future[list[Any]]) -> None:
        self.commands = commands
        self.packed = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type]
        self.writes = writes
        self.done = done
        self.replies: list[Any] = []
        self.error: Exception | None = None
        self.deadline = 0.0

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def lost(self) -> OnsaleError:
        """Return the error for a call that was sent and not answered."""
        return AcceptUnknown() if self.writes else RedisUnavailable()

    def end(self) -> None:
        """Hand over the result when all replies are there. The caller may have been cancelled meanwhile."""
        if self.error is not None:
            self.fail(self.error)
        elif not self.done.done():
            self.done.set_result(self.replies)


class AsyncRounds:
    """One connection to Redis, shared by the tasks of one event loop. Connects at the first call."""

    def __init__(self, url: str, *, timeout_s: float = 2.0, questions: Questions | None = None) -> None:
        self._pool = connection_pool(url, socket_timeout_s=timeout_s, questions=questions)
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._outbox: list[_Call] = []
        self._sent: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._role_until = 0.0
        self._demoted = False

    async def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        """Send commands together with all others of this turn of the loop, and return their replies.

        Raises: RedisUnavailable: nothing was sent, or (without `writes`) there was no answer.  AcceptUnknown: it was
        sent, and there was no answer.  ResponseError: Redis refused one of the commands.
        """
        loop = asyncio.get_running_loop()
        call = _Call(commands, writes, loop.create_future())
        self._outbox.append(call)
        if self._connection is None:
            if self._opening is None:
                self._opening = loop.create_task(self._open())
        elif len(self._outbox) == 1:
            loop.call_soon(self._send)
        return await call.done

    async def close(self) -> None:
        """Close the connection. The next call opens a new one."""
        await self._lose()

    async def _open(self) -> None:
        """Connect, and send the waiting calls; if that fails, fail them as not sent."""
        # Not the pool's make_connection: it counts all connections ever made, and refuses for good after a hundred.
        connection: Any = self._pool.connection_class(**self._pool.connection_kwargs)
        try:
            async with asyncio.timeout(1.0 + self._timeout_s):  # for all steps, each of which has a limit as well
                await connection.connect()
        except BaseException as error:
            try:
                await connection.disconnect(nowait=True)
            finally:  # including calls made meanwhile
                waiting, self._outbox = self._outbox, []
                for call in waiting:
                    call.fail(RedisUnavailable())
            if not isinstance(error, RedisError | OSError):
                raise
            return
        finally:
            self._opening = None
        self._connection, self._demoted = connection, False
        self._role_until = asyncio.get_running_loop().time() + ROLE_S
        self._reading = asyncio.get_running_loop().create_task(self._read(connection))
        self._send()

    def _send(self) -> None:
        """Write all waiting calls. From here on they count as sent."""
        calls, self._outbox = self._outbox, []
        sent = False
        try:
            if self._connection is None:
                raise RedisUnavailable
            point("calls collected")
            loop = asyncio.get_running_loop()
            now = loop.time()
            if now >= self._role_until:
                self._role_until = now + ROLE_S
                calls.insert(0, self._role_call(loop))
            deadline = now + self._timeout_s
            for call in calls:
                call.deadline = deadline
            self._sent.extend(calls)
            sent = True
            self._connection._writer.write(b"".join([call.packed for call in calls]))
            if self._timer is None:
                self._timer = loop.call_at(deadline, self._overdue)
            point("calls sent", redis.ConnectionError)
        except Exception as error:
            if sent and self._reading is not None:
                self._reading.cancel()  # closes the connection; the calls that were sent are lost
            for call in calls if not sent else ():
                call.fail(RedisUnavailable())
            if not isinstance(error, OnsaleError | RedisError | OSError):
                raise

    def _role_call(self, loop: asyncio.AbstractEventLoop) -> _Call:
        """Return a call that checks whether the server is still the master, to be sent ahead of this turn's calls."""

        def answered(done: asyncio.Future[list[Any]]) -> None:
            try:
                check_role(done.result()[0])
            except (OnsaleError, RedisError) as error:
                if not isinstance(error, OnsaleError) and self._reading is not None:
                    self._reading.cancel()

        call = _Call([ASK_ROLE], False, loop.create_future())
        call.done.add_done_callback(answered)
        return call

    def _overdue(self) -> None:
        """Close the connection if its oldest call has waited too long; otherwise set the timer again."""
        self._timer = None
        if not self._sent:
            return
        loop = asyncio.get_running_loop()
        if self._sent[0].deadline > loop.time():
            self._timer = loop.call_at(self._sent[0].deadline, self._overdue)
        elif self._reading is not None:
            self._reading.cancel()

    async def _read(self, connection: Any) -> None:
        """Hand out replies until the connection ends."""
        reader = reply_reader(connection)
        try:
            while received := await connection._reader.read(READ):
                reader.feed(received)
                point("replies read")
                while (reply := reader.gets()) is not False:
                    self._receive(reply)
                if self._demoted:
                    break
        except (RedisError, OSError, asyncio.CancelledError):
            pass  # _lose fails the calls that were not answered
        finally:
            if self._connection is connection:
                await self._lose()

    def _receive(self, reply: Any) -> None:
        """Assign the next reply to the oldest call, and end the call when it was the last one."""
        call = self._sent[0]
        if isinstance(reply, RedisError):
            self._demoted |= says_demoted(reply)
            call.error = RedisUnavailable() if unable(reply) else reply
            reply = None
        call.replies.append(reply)
        if len(call.replies) < len(call.commands):
            return
        self._sent.popleft()
        if isinstance(call.error, NoScriptError):
            self._load_and_resend(call)
        else:
            call.end()

    def _load_and_resend(self, call: _Call) -> None:
        """Load the scripts of a call and send it again: Redis was restarted and does not have them."""
        loads = script_loads(call.commands)
        again = _Call([*loads, *call.commands], call.writes, asyncio.get_running_loop().create_future())

        def answered(done: asyncio.Future[list[Any]]) -> None:
            if (error := done.exception()) is not None:
                call.fail(error if isinstance(error, Exception) else call.lost())
            elif not call.done.done():
                call.done.set_result(done.result()[len(loads) :])

        again.done.add_done_callback(answered)
        self._outbox.append(again)
        asyncio.get_running_loop().call_soon(self._send)

    async def _lose(self) -> None:
        """Close the connection, and fail the calls that were sent and not answered."""
        connection, self._connection = self._connection, None
        lost, self._sent = self._sent, deque()
        for call in lost:
            call.fail(call.lost())
        if connection is not None:
            await connection.disconnect(nowait=True)
