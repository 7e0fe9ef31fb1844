"""Requests as granian gives them (RSGI): reading their headers and their bodies.

A header that is not UTF-8 has a name and no value there. Names are in small letters.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from api.web import hooks
from api.web.errors import BodyIncomplete, BodyTimeout, BodyTooLarge

#: Seconds in which a body must have arrived. The largest has a megabyte.
BODY_S = 10.0


@dataclass(slots=True)
class Exchange:
    """A request that is answered here. `rule`: as metrics name it.  `started`: seconds, of time.perf_counter."""

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
    """Reads the bodies of requests on one event loop, each in BODY_S, or a tenth more.

    One timer serves all. asyncio.timeout makes one for each, and takes 5 us of an accept's 200.
    """

    def __init__(self) -> None:
        self._late_at: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, headers: Any, proto: Any, most: int) -> bytes:
        """The whole body of a request, however it is framed. Raises: BodyTooLarge, BodyIncomplete, BodyTimeout.

        A body in chunks that is cut short is what came of it: granian does not tell, and JSON that is cut is no JSON.
        """
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            return b""
        if length is not None and int(length) > most:
            raise BodyTooLarge
        task = self._watch()
        try:
            return bytes(await proto()) if length is not None else await _chunks(proto, most)
        except ProtocolClosed:  # the client sends no more, but may still read
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
        """Have the current task interrupted when it is late."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._late_at[task] = loop.time() + BODY_S
        if self._timer is None:
            self._timer = loop.call_later(BODY_S / 10, self._look, loop)
        return task

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(BODY_S / 10, self._look, loop) if self._late_at else None
        now = loop.time()
        for task, late_at in self._late_at.items():
            if late_at <= now and task not in self._late:
                self._late.add(task)
                task.cancel()


async def _chunks(proto: Any, most: int) -> bytes:
    body = bytearray()
    async for chunk in proto:
        body += chunk
        if len(body) > most:
            raise BodyTooLarge
    return bytes(body)


def joined(headers: Any, name: str) -> str | None:
    """A header's value, several lines as one list; None if there is none."""
    return ", ".join(headers.get_all(name)) if name in headers else None


def text(headers: Any, name: str) -> str | None:
    """A header's value, several lines joined as by WSGI; None if there is none. One that is no text is there."""
    if name not in headers:
        return None
    return ",".join(headers.get_all(name)) or "\ufffd"
