"""RSGI, granian's interface: reads the headers and bodies of requests.

Header names are lower-case. A header whose value is not UTF-8 is present, but has no value.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from api.web import hooks, request_reading
from api.web.errors import BodyIncomplete, BodyTimeout, BodyTooLarge
from api.web.reply import JSON

R = TypeVar("R")

#: Max seconds until a body has arrived. The largest has a megabyte.
BODY_S = 10.0


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `rule`: its route in the metrics.  `started`: by time.perf_counter."""

    rule: str
    scope: Any
    proto: Any
    started: float = field(default_factory=time.perf_counter)
    headers: Any = field(init=False)
    request_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.headers = self.scope.headers
        self.request_id = hooks.request_id(self.headers.get("x-request-id", ""))


class Bodies:
    """Reads the bodies of requests on one event loop, each within BODY_S, or a tenth more.

    One timer serves all: asyncio.timeout would make one for each, at 5 us of an accept's 200.
    """

    def __init__(self) -> None:
        self._late_at: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, headers: Any, proto: Any, most: int) -> bytes:
        """Return the whole body of a request, however it is framed; `most`: max bytes.

        A chunked body that was cut short is returned as it arrived, for granian does not report it; its JSON is
        invalid. Raises: BodyTooLarge, BodyIncomplete, BodyTimeout.
        """
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            return b""
        if length is not None and int(length) > most:
            raise BodyTooLarge
        task = self._watch()
        try:
            return bytes(await proto()) if length is not None else await _chunks(proto, most)
        except ProtocolClosed:  # the client sends nothing more, but may still read
            raise BodyIncomplete from None
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise BodyTimeout from None
        finally:
            del self._late_at[task]
            self._late.discard(task)

    def _watch(self) -> asyncio.Task[Any]:
        """Have the current task cancelled after BODY_S; return it."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._late_at[task] = loop.time() + BODY_S
        if self._timer is None:
            self._timer = loop.call_later(BODY_S / 10, self._cancel_late, loop)
        return task

    def _cancel_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(BODY_S / 10, self._cancel_late, loop) if self._late_at else None
        now = loop.time()
        for task, late_at in self._late_at.items():
            if late_at <= now and task not in self._late:
                self._late.add(task)
                task.cancel()


def see_to_media(headers: Any) -> None:
    """Check that the headers declare a body as uncompressed JSON (api/web/request_reading.py)."""
    if headers.get("content-type") != JSON or "content-encoding" in headers:
        request_reading.see_to_media(joined(headers, "content-type") or "", joined(headers, "content-encoding") or "")


async def while_connected(proto: Any, work: Callable[[asyncio.Future[Any]], Awaitable[R]]) -> R:
    """Return the result of work that waits; it gets a future that is done when the client has disconnected."""
    gone = asyncio.ensure_future(proto.client_disconnect())
    try:
        return await work(gone)
    finally:
        gone.cancel()


async def _chunks(proto: Any, most: int) -> bytes:
    body = bytearray()
    async for chunk in proto:
        body += chunk
        if len(body) > most:
            raise BodyTooLarge
    return bytes(body)


def joined(headers: Any, name: str) -> str | None:
    """Return a header's value, repeated lines joined by ", "; None if it is absent."""
    return ", ".join(headers.get_all(name)) if name in headers else None


def text(headers: Any, name: str) -> str | None:
    """Return a header's value, repeated lines joined by "," as in WSGI; None if absent; U+FFFD if it has no text."""
    if name not in headers:
        return None
    return ",".join(headers.get_all(name)) or "\ufffd"
