"""A plain HTTP client for loopback, for an event loop: keep-alive connections, little work per request.

The load under faults uses it: one process sends for hundreds of buyers. No request is repeated here; Broken says
that nothing of an answer arrived, so that a caller may repeat a request that has a key or an idempotent method.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from proof.kit.client import Broken, NoAnswer, json_object

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AsyncClient:
    """Sends requests to one server, one at a time per connection. The caller limits how many are under way."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: list[Connection] = []

    async def once(self, request: bytes, deadline_s: float) -> tuple[int, dict[str, Any]]:
        """Send a request; return the status and the JSON object ({} if there is none). Raises: Broken, NoAnswer."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(deadline_s):
                connection = self._take() or await self._open()
                code, raw, kept = await self._exchange(connection, request)
        except TimeoutError as error:
            self._close(connection)
            raise NoAnswer from error
        except (Broken, NoAnswer):
            self._close(connection)
            raise
        if kept:
            self._idle.append(connection)
        else:
            self._close(connection)
        return code, json_object(raw)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._close(self._idle.pop())

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection[0].at_eof() and not connection[1].is_closing():
                return connection
            self._close(connection)
        return None

    async def _open(self) -> Connection:
        try:
            return await asyncio.open_connection(self._host, self._port)
        except OSError as error:
            raise Broken from error

    async def _exchange(self, connection: Connection, request: bytes) -> tuple[int, bytes, bool]:
        reader, writer = connection
        try:
            writer.write(request)
            await writer.drain()
            first = await reader.readline()
        except OSError as error:
            raise Broken from error
        if not first:
            raise Broken
        try:
            length, kept = 0, True
            while (line := await reader.readline()) != b"\r\n":
                if not line.endswith(b"\n"):
                    raise NoAnswer
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif name.lower() == b"connection":
                    kept = b"close" not in value.lower()
            raw = await reader.readexactly(length) if length else b""
            return int(first[9:12]), raw, kept
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            raise NoAnswer from error

    def _close(self, connection: Connection | None) -> None:
        if connection is not None:
            connection[1].close()


def request(
    method: str, path: str, *, token: str = "", key: str = "", body: dict[str, Any] | None = None, wait_s: int = 0
) -> bytes:
    """Return a request as bytes. `wait_s`: it prefers to wait that long for the outcome."""
    raw = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    if key:
        head.append(f"Idempotency-Key: {key}")
    if wait_s:
        head.append(f"Prefer: wait={wait_s}")
    if body is not None:
        head.append("Content-Type: application/json")
    if raw or method != "GET":
        head.append(f"Content-Length: {len(raw)}")
    return "\r\n".join([*head, "", ""]).encode() + raw
