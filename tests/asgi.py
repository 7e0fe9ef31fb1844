"""An ASGI application as granian runs it: on an event loop of its own, asked from a test's thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from api.hotpath import HotPath
from tests.waiting import PATIENCE_S


@dataclass
class Answer:
    """What an ASGI application sent."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """The application on an event loop of its own, as granian runs it."""

    def __init__(self, app: HotPath) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Future[Answer]:
        return asyncio.run_coroutine_threadsafe(self._ask(method, path, headers, body), self._loop)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        return self.begin(method, path, headers, body).result(PATIENCE_S)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        self.run(self.app.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = Answer()
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path,
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer
