"""Runs the front as granian does, on its own event loop, and calls it from the test's thread without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import unquote

from api.front import Front
from proof.kit.waiting import PATIENCE_S


@dataclass
class Answer:
    """What an RSGI application sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Headers:
    """A request's headers as granian passes them: names in lower case, lines in order."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        self._lines = [(name.lower(), value) for name, value in lines]

    def __contains__(self, name: str) -> bool:
        return any(one == name for one, _ in self._lines)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._lines)

    def get(self, name: str, default: Any = None) -> Any:
        return next((value for one, value in self._lines if one == name), default)

    def get_all(self, name: str) -> list[str]:
        return [value for one, value in self._lines if one == name]

    def items(self) -> list[tuple[str, str]]:
        return self._lines


class Scope:
    def __init__(self, method: str, target: str, headers: Headers) -> None:
        path, _, self.query_string = target.partition("?")
        self.path, self.method, self.headers = unquote(path), method, headers
        self.http_version, self.scheme, self.client, self.server = "1.1", "http", "127.0.0.1:1", "127.0.0.1:8000"


class Proto:
    """A request's protocol, which takes the answer. `body`: whole or in chunks; None: it never arrives."""

    def __init__(self, body: bytes | Sequence[bytes] | None) -> None:
        self._chunks = [body] if isinstance(body, bytes) else body
        self.gone = asyncio.Event()
        #: Bytes of the body that the application has read.
        self.read = 0
        self.answer = Answer()

    async def __call__(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._chunks is None:
            await asyncio.Event().wait()
        for chunk in self._chunks or ():
            self.read += len(chunk)
            yield chunk

    async def client_disconnect(self) -> None:
        await self.gone.wait()

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.response_bytes(status, headers, b"")

    def response_str(self, status: int, headers: list[tuple[str, str]], body: str) -> None:
        self.response_bytes(status, headers, body.encode())

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        named = {name.lower(): value for name, value in headers}
        if status != 304:
            named.setdefault("content-length", str(len(body)))
        self.answer = Answer(status, named, body)


class Server:
    """The front on its own event loop, in a thread."""

    def __init__(self, app: Front) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        app.use(self._loop)
        self._thread.start()

    def begin(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None = b"", proto: Proto | None = None
    ) -> Future[Answer]:
        """Send a request; return the future answer. `proto`: use it instead of a new one that sends `body`."""
        return asyncio.run_coroutine_threadsafe(self._ask(method, target, headers, body, proto), self._loop)

    def ask(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None = b"", proto: Proto | None = None
    ) -> Answer:
        return self.begin(method, target, headers, body, proto).result(PATIENCE_S)

    def soon(self, do: Callable[[], object]) -> None:
        """Call `do` on the loop."""
        self._loop.call_soon_threadsafe(do)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        """Close the front and end the loop."""
        self.run(self.app.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _ask(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None, proto: Proto | None
    ) -> Answer:
        given = Headers(list(headers.items()))
        if body and "content-length" not in given:
            given = Headers([*headers.items(), ("content-length", str(len(body)))])
        proto = proto or Proto(body)
        await self.app.__rsgi__(Scope(method, target, given), proto)
        return proto.answer
