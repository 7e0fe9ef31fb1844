"""Streams of server-sent events: the open ones of an api process, bounded in number, per user, and in bytes.

What is written to a stream waits in memory until its client reads it, and nothing says how far it has read. So a
stream ends after MOST_BYTES, and its client opens the next, which begins where the last one ended (Last-Event-ID). A
client that reads nothing at all is disconnected by the kernel (api/server/listening.py).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from flask import Response

from api.web.errors import Busy, TooManyStreams
from core.errors import OnsaleError

MEDIA_TYPE = "text/event-stream"
#: Max bytes written to one stream.
MOST_BYTES = 256 * 1024
#: Milliseconds after which a client is asked to come again: at random, so that thousands do not return together.
RETRY_MS = (1_000, 4_000)
#: Streams that get their heartbeat in one turn of the loop.
AT_A_TIME = 100

#: nginx does not collect what it is told not to.
HEADERS = (("X-Accel-Buffering", "no"),)
HEARTBEAT = b":\n\n"


class Stream:
    """One stream. `ended` is set when it must end; `valid` raises once its user's token is valid no longer."""

    def __init__(self, user_id: UUID, valid: Callable[[], object]) -> None:
        self.user_id = user_id
        self.valid = valid
        self.ended = asyncio.Event()
        self.wake: Callable[[], object] | None = None
        self._begin: Callable[[], Callable[[bytes], object]] | None = None
        self._send: Callable[[bytes], object] | None = None
        self._started = False
        self._written = 0
        self.quiet = False

    @classmethod
    def never(cls) -> Stream:
        """Return a stream that is not sent."""
        return cls(UUID(int=0), lambda: None)

    @property
    def started(self) -> bool:
        """Whether its answer has begun, so that no error can be answered any more."""
        return self._started

    def will_begin(self, begin: Callable[[], Callable[[bytes], object]]) -> None:
        """Set what begins the answer and returns what sends bytes."""
        self._begin = begin

    def start(self) -> None:
        """Begin the answer: what is written from now on is sent."""
        assert self._begin is not None
        self._send, self._started = self._begin(), True
        self.write(f"retry: {random.randint(*RETRY_MS)}\n\n".encode())

    def write(self, data: bytes) -> None:
        """Send bytes. After the end: no effect."""
        if self._send is None or self.ended.is_set():
            return
        self._send(data)
        self.quiet = False
        self._written += len(data)
        if self._written > MOST_BYTES:
            self.end()

    def end(self) -> None:
        """Have the stream end.   Repeat: no effect."""
        self.ended.set()
        if self.wake is not None:
            self.wake()

    def finish(self) -> None:
        """End the stream and let go of what sends its bytes.   Repeat: no effect."""
        self.end()
        self._begin = self._send = None


class Streams:
    """The open streams of one api process. To be used on its event loop."""

    def __init__(self, most: int, per_user: int, heartbeat_s: float) -> None:
        self._most = most
        self._per_user = per_user
        self._heartbeat_s = heartbeat_s
        self._open: set[Stream] = set()
        self._by_user: Counter[UUID] = Counter()
        self._beating: asyncio.Task[None] | None = None
        self.leaving = False

    def __len__(self) -> int:
        return len(self._open)

    def open(self, user_id: UUID, valid: Callable[[], object]) -> Stream:
        """Return a new stream, which must be closed. Raises: Busy, TooManyStreams."""
        if self.leaving or len(self._open) >= self._most:
            raise Busy
        if self._by_user[user_id] >= self._per_user:
            raise TooManyStreams(RETRY_MS[1] // 1000)
        stream = Stream(user_id, valid)
        self._open.add(stream)
        self._by_user[user_id] += 1
        if self._beating is None or self._beating.done():
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        return stream

    def close(self, stream: Stream) -> None:
        """Free a stream's slot.   Repeat: no effect."""
        if stream not in self._open:
            return
        self._open.discard(stream)
        self._by_user[stream.user_id] -= 1
        if not self._by_user[stream.user_id]:
            del self._by_user[stream.user_id]

    def leave(self) -> None:
        """End all streams and open no others: the process is about to end.   Repeat: safe."""
        self.leaving = True
        for stream in list(self._open):
            stream.end()

    def stop(self) -> None:
        """End the heartbeats.   Repeat: no effect."""
        if self._beating is not None:
            self._beating.cancel()

    async def _beat(self) -> None:
        """Write a heartbeat to streams that were quiet for a while; end those whose token is valid no longer."""
        while self._open:
            await asyncio.sleep(self._heartbeat_s)
            for number, stream in enumerate(list(self._open), 1):
                try:
                    stream.valid()
                except OnsaleError:
                    stream.end()
                if stream.quiet:
                    stream.write(HEARTBEAT)
                stream.quiet = True
                if number % AT_A_TIME == 0:
                    await asyncio.sleep(0)


def response(events: bytes) -> Response:
    """Return events as Flask's response to the current request: it ends, and the client asks again."""
    retry = f"retry: {random.randint(*RETRY_MS)}\n\n".encode()
    return Response(retry + events, content_type=MEDIA_TYPE, headers=HEADERS)


def event(name: str, data: str, id_: str | None = None) -> bytes:
    """Return one event. `data`: one line, such as JSON without line feeds."""
    head = f"id: {id_}\n" if id_ is not None else ""
    return f"{head}event: {name}\ndata: {data}\n\n".encode()
