"""Rounds: threads of one process put their Redis calls together, like a group commit.

Whoever finds nobody sending becomes the leader: it takes all calls that wait, writes them in one go, reads all
replies, hands them out, and makes the first call that came meanwhile the next leader. So under load one
round trip (and, in Redis, one fsync) serves many requests; an idle process sends at once.

Nothing is ever sent twice by itself. The waiting list and the `sending` flag change under one lock; every
waiter has a deadline, and leaves the list if it has not been sent by then.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, InvalidResponse, NoScriptError, RedisError
from redis.retry import Retry

from core.errors import AcceptUnknown, OnsaleError, RedisAway
from db import scripts
from db.demotion import ASK_ROLE, ROLE_S, Questions, check_role, greeting, says_demoted, watched

Command = tuple[str | int, ...]

#: Calls of one round. More than an api process has threads, so it only bounds the worst case.
MAX_CALLS = 256


def connection_pool(
    url: str, *, socket_timeout_s: float, decode: bool = True, questions: Questions | None = None
) -> redis.ConnectionPool:
    """A pool whose connections leave a server that is no master (db/demotion.py), and ask `questions` when made.

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


class _Call:
    """One caller's commands, and what became of them. `turn` is released when it is done, or to lead."""

    __slots__ = ("commands", "done", "error", "leads", "packed", "replies", "sent", "turn", "writes")

    def __init__(self, commands: Sequence[Command], writes: bool) -> None:
        self.commands = commands
        self.packed = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type]
        self.writes = writes
        self.replies: list[Any] = []
        self.error: Exception | None = None
        self.sent = self.done = self.leads = False
        self.turn = threading.Lock()
        self.turn.acquire()

    def lost(self) -> OnsaleError:
        """The error of a call that was sent and not answered."""
        return AcceptUnknown() if self.writes else RedisAway()


def unable(error: Exception) -> bool:
    """Whether Redis says that it can do nothing just now, whatever it is asked; then nothing ran."""
    return isinstance(error, BusyLoadingError) or says_demoted(error) or str(error).startswith(_UNABLE)


_UNABLE = ("BUSY ", "MISCONF ", "NOREPLICAS ", "CLUSTERDOWN ", "TRYAGAIN ")
#: Sent before a round's calls, once a second: it costs no round trip.
ASK_ROLE_PACKED: bytes = hiredis.pack_command(ASK_ROLE)  # type: ignore[arg-type]


class Rounds:
    """One connection to Redis, shared by the threads of a process. Connects at the first call."""

    def __init__(self, url: str, *, timeout_s: float = 2.0, questions: Questions | None = None) -> None:
        self._pool = connection_pool(url, socket_timeout_s=timeout_s, questions=questions)
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._reader: Any = None
        self._readable = select.poll()
        self._role_until = 0.0
        self._demoted = False
        self._lock = threading.Lock()
        self._waiting: list[_Call] = []
        self._sending = False

    def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        """Send commands in one round and return their replies; the call waits `timeout_s` for its turn.

        Raises: RedisAway: nothing of it was sent, or (not `writes`) no answer came.  AcceptUnknown: it was
        sent, and no answer came.  ResponseError: Redis refused one of the commands.
        """
        call = _Call(commands, writes)
        with self._lock:
            self._waiting.append(call)
            call.leads = not self._sending
            self._sending = True
        try:
            if not call.leads and not call.turn.acquire(timeout=self._timeout_s):
                self._leave(call)
        except BaseException:  # a Ctrl-C too: nobody waits for this call any more
            self._abandon(call)
            raise
        if call.leads:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.replies

    def close(self) -> None:
        """Close the connection. The next call opens a new one."""
        self._disconnect()

    def _leave(self, call: _Call) -> None:
        """The caller's deadline has passed. Returns if it has just been answered or made the leader."""
        with self._lock:
            if call.leads or call.done:
                return
            if call.sent:
                raise call.lost()
            # Out of the list under the same lock: nobody may send what is said not to have been sent.
            self._waiting.remove(call)
            raise RedisAway

    def _abandon(self, call: _Call) -> None:
        """The caller goes away (its deadline, or an interrupt): it must not be left in the list, nor as leader."""
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
            if call.leads:
                self._hand_on()

    def _hand_on(self) -> None:
        """The first that waits leads the next round. The lock is held."""
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].turn.release()
        else:
            self._sending = False

    def _lead(self) -> None:
        """One round for all that wait, the leader's own call among them; then hand on."""
        with self._lock:
            calls = self._waiting[:MAX_CALLS]
            del self._waiting[:MAX_CALLS]
            for call in calls:
                call.sent = True
        try:
            self._round(calls)
        finally:
            with self._lock:
                for call in calls:
                    call.done = True
                    if not call.leads:
                        call.turn.release()
                self._hand_on()

    def _round(self, calls: list[_Call]) -> None:
        connection = None
        try:
            connection = self._connected()
            self._exchange(connection, calls)
            for call in calls:
                if isinstance(call.error, NoScriptError):
                    self._load_and_resend(connection, call)
            if self._demoted:
                self._disconnect()
        except BaseException as error:
            self._disconnect()
            for call in calls:
                if connection is None or isinstance(call.error, NoScriptError):
                    call.error = RedisAway()  # nothing of it ran
                elif len(call.replies) < len(call.commands):
                    call.error = call.lost()
            if not isinstance(error, RedisError | OSError):
                raise

    def _exchange(self, connection: Any, calls: list[_Call]) -> None:
        """Write the calls in one go and read all replies. Redis-py's own way costs three times as much per call."""
        socket = connection._sock
        asks = time.monotonic() >= self._role_until
        socket.sendall(ASK_ROLE_PACKED * asks + b"".join([call.packed for call in calls]))
        if asks:
            check_role(self._next_reply(socket))
            self._role_until = time.monotonic() + ROLE_S
        for call in calls:
            for _ in call.commands:
                reply = self._next_reply(socket)
                if isinstance(reply, RedisError):
                    self._demoted |= says_demoted(reply)
                    call.error = RedisAway() if unable(reply) else reply
                    reply = None
                call.replies.append(reply)

    def _next_reply(self, socket: Any) -> Any:
        reader = self._reader
        while (reply := reader.gets()) is False:
            received = socket.recv(65_536)
            if not received:
                raise ConnectionError("Redis has closed the connection.")
            reader.feed(received)
        return reply

    def _load_and_resend(self, connection: Any, call: _Call) -> None:
        """Redis was restarted and does not know a script: load those of this call, and send it again.

        NOSCRIPT says that nothing of it ran, and a call of several commands has only such as may be repeated.
        """
        needed = {str(command[1]) for command in call.commands if command[0] == "EVALSHA"}
        loads: list[Command] = [("SCRIPT", "LOAD", scripts.BY_SHA[sha].source) for sha in sorted(needed)]
        again = _Call([*loads, *call.commands], call.writes)
        call.replies, call.error = [], None
        self._exchange(connection, [again])
        call.replies, call.error = again.replies[len(loads) :], again.error

    def _connected(self) -> Any:
        """The connection, a new one if there is none or the server has closed it.

        Between rounds nothing is due to be read: a readable socket is a closed one, and a call sent there would
        be lost without need.
        """
        connection: Any = self._connection
        if connection is not None and self._readable.poll(0):
            self._disconnect()
            connection = None
        if connection is None:
            # Not the pool's make_connection: it counts what it ever made, and refuses for good after a hundred.
            connection = self._pool.connection_class(**self._pool.connection_kwargs)
            connection.connect()
            self._readable = select.poll()
            self._readable.register(connection._sock, select.POLLIN)
            self._reader = hiredis.Reader(
                protocolError=InvalidResponse,
                replyError=connection._parser.parse_error,
                encoding="utf-8",
                errors="surrogateescape",
            )
            self._connection, self._demoted = connection, False
            self._role_until = time.monotonic() + ROLE_S
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
