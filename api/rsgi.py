"""Requests as granian gives them (RSGI): reading their headers and their bodies.

A header that is not UTF-8 has a name and no value there. Names are in small letters.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from api import hooks
from api.errors import BodyIncomplete, BodyTimeout, BodyTooLarge

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


async def body_of(headers: Any, proto: Any, most: int) -> bytes:
    """The whole body of a request, however it is framed. Raises: BodyTooLarge, BodyIncomplete, BodyTimeout.

    A body in chunks that is cut short is what came of it: granian does not tell, and JSON that is cut is no JSON.
    """
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return b""
    if length is not None and int(length) > most:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(BODY_S):
            if length is not None:
                return bytes(await proto())
            body = bytearray()
            async for chunk in proto:
                body += chunk
                if len(body) > most:
                    raise BodyTooLarge
            return bytes(body)
    except TimeoutError:
        raise BodyTimeout from None
    except ProtocolClosed:  # the client sends no more, but may still read
        raise BodyIncomplete from None


def joined(headers: Any, name: str) -> str | None:
    """A header's value, several lines as one list; None if there is none."""
    return ", ".join(headers.get_all(name)) if name in headers else None


def text(headers: Any, name: str) -> str | None:
    """A header's value; None if there is none. One that is no text is there all the same."""
    value = headers.get(name)
    return "\ufffd" if value is None and name in headers else value
