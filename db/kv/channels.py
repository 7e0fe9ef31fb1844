"""Channels: what one event loop hears of Redis's pub/sub, over one connection for all who listen.

Messages may be lost, for example while the connection is replaced after an error: then `interrupted` is called, and
those who listen read the state again. Messages may also be heard twice: a silent connection may have a dead server
behind it, or a demoted master, so it is replaced every RENEW_S, and the new one subscribes before the old one is
closed. Connecting checks the server (db/kv/demotion.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hiredis
from redis.exceptions import RedisError

from core import logs
from core.errors import OnsaleError
from db.kv.async_connections import connection_pool, reply_reader
from db.kv.demotion import Questions

log = logs.logger(__name__)

#: Bytes of one read. Max seconds until Redis has confirmed a subscription.
READ, CONFIRM_S = 1 << 16, 2.0
#: Seconds after which a connection is replaced; before a failed one is; for which an old one is still read.
RENEW_S, REST_S, OVERLAP_S = 10.0, 1.0, 0.5

Heard = Callable[[str, str], object]


class Channels:
    """The channels that one event loop listens to. Connects at the first `join`."""

    def __init__(
        self, url: str, heard: Heard, interrupted: Callable[[], object], questions: Questions | None = None
    ) -> None:
        """Args: heard: gets channel and message.   interrupted: messages may have been lost. Both run on the loop."""
        self._pool = connection_pool(url, socket_timeout_s=CONFIRM_S, questions=questions)
        self._heard = heard
        self._interrupted = interrupted
        #: Channel -> done when the present connection has subscribed to it.
        self._joined: dict[str, asyncio.Future[None]] = {}
        self._connection: Any = None
        self._keeping: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()
        self._lost: asyncio.Event = asyncio.Event()

    async def join(self, channel: str) -> bool:
        """Listen to a channel; return whether Redis has confirmed it. If not, it will be tried until it does."""
        loop = asyncio.get_running_loop()
        done = self._joined.get(channel)
        if done is None:
            done = self._joined[channel] = loop.create_future()
            if self._connection is not None:
                self._command(self._connection, "SUBSCRIBE", channel)
        if self._keeping is None:
            self._keeping = loop.create_task(self._keep())
        await asyncio.wait({done}, timeout=CONFIRM_S)
        return done.done()

    def leave(self, channel: str) -> None:
        """Listen to a channel no longer.   Repeat: no effect."""
        if self._joined.pop(channel, None) is not None and self._connection is not None:
            self._command(self._connection, "UNSUBSCRIBE", channel)

    async def close(self) -> None:
        """Close the connection. `join` opens another.   Repeat: no effect."""
        tasks = [*self._reading, *([self._keeping] if self._keeping else [])]
        self._keeping = None
        self._joined.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        """Keep a connection, and replace it in time."""
        heard_all = True  # nothing was to be heard before the first connection
        while True:
            try:
                self._lost.clear()
                await self._replace()
                if not heard_all:
                    self._interrupted()
                heard_all = True
                with suppress(TimeoutError):
                    async with asyncio.timeout(RENEW_S):
                        await self._lost.wait()
                    heard_all = False
            except (RedisError, OnsaleError, OSError, TimeoutError) as error:
                log.warning("channels_interrupted", error=str(error))
                heard_all = False
            if not heard_all:
                await asyncio.sleep(REST_S)

    async def _replace(self) -> None:
        """Connect and subscribe to every channel, then let go of the connection before. Raises: redis-py's errors."""
        connection: Any = self._pool.connection_class(**self._pool.connection_kwargs)
        try:
            async with asyncio.timeout(1.0 + CONFIRM_S):
                await connection.connect()
                channels = list(self._joined)
                task = asyncio.get_running_loop().create_task(self._read(connection, subscribed := asyncio.Event()))
                self._reading.add(task)
                task.add_done_callback(self._reading.discard)
                if channels:
                    self._command(connection, "SUBSCRIBE", *channels)
                    await subscribed.wait()
        except BaseException:
            # Also if it is cancelled: nobody else knows of this connection.
            await connection.disconnect(nowait=True)
            raise
        before, self._connection = self._connection, connection
        for channel in channels:
            if channel not in self._joined:  # it was left meanwhile
                self._command(connection, "UNSUBSCRIBE", channel)
        late = [channel for channel in self._joined if channel not in channels]
        if late:
            self._command(connection, "SUBSCRIBE", *late)
        if before is not None:
            asyncio.get_running_loop().call_later(OVERLAP_S, self._let_go, before)

    def _let_go(self, connection: Any) -> None:
        if connection._writer is not None:
            connection._writer.close()  # its reader ends

    def _command(self, connection: Any, *words: str) -> None:
        connection._writer.write(hiredis.pack_command(words))  # type: ignore[arg-type]

    async def _read(self, connection: Any, subscribed: asyncio.Event) -> None:
        """Hand out messages until the connection ends."""
        reader = reply_reader(connection)
        try:
            while received := await connection._reader.read(READ):
                reader.feed(received)
                while (reply := reader.gets()) is not False:
                    self._receive(reply, subscribed)
        except (RedisError, OSError):
            pass  # as if it were closed
        except Exception:
            # A bug of ours must not end the listening: the connection is replaced, and everybody reads again.
            log.exception("channels_failed")
        finally:
            if self._connection is connection:
                self._connection = None
                self._lost.set()
            await connection.disconnect(nowait=True)

    def _receive(self, reply: Any, subscribed: asyncio.Event) -> None:
        if isinstance(reply, RedisError):
            raise reply
        kind, channel, message = reply
        if kind == "message":
            self._heard(channel, message)
        elif kind == "subscribe":
            subscribed.set()
            done = self._joined.get(channel)
            if done is not None and not done.done():
                done.set_result(None)
