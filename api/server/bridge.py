"""The bridge from the event loop to Flask: runs requests with complete bodies in threads, behind a bounded queue."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from flask import Flask

from api.web.threads import Threads

#: Paths that operators' tools read. They and OPTIONS (browsers' CORS preflights) do not need Postgres: they have
#: separate threads, and never wait behind other requests.
OPERATIONS = ("/metrics", "/api/health")
OPERATIONS_THREADS, OPERATIONS_WAITING = 2, 512
#: Max seconds that a request waits for a thread.
PATIENCE_S = 10.0

_ASCII = "".join(map(chr, range(128)))

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Bridge:
    """Calls a WSGI application for an event loop."""

    def __init__(self, app: Flask, *, threads: int, waiting: int) -> None:
        """Args: threads: max requests that run at once.   waiting: max further ones that wait for a thread."""
        self._app = app
        self._threads = Threads(threads, waiting=waiting, patience_s=PATIENCE_S, name="flask")
        self._operations = Threads(
            OPERATIONS_THREADS, waiting=OPERATIONS_WAITING, patience_s=PATIENCE_S, name="operations"
        )

    async def answer(self, scope: Any, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Return the application's status, headers and body. Raises: Busy.

        Args: scope: RSGI's.   headers: the request's, without those that have an underscore in their name.
        """
        apart = scope.method == "OPTIONS" or scope.path in OPERATIONS
        threads = self._operations if apart else self._threads
        return await threads.run(self._call, environ_of(scope, headers, body))

    def close(self) -> None:
        """End the threads."""
        self._threads.close()
        self._operations.close()

    def _call(self, environ: dict[str, Any]) -> Answer:
        status, given = 500, Headers()

        def start_response(line: str, headers: Headers, _exc_info: Any = None) -> None:
            nonlocal status, given
            status, given = int(line[:3]), headers

        chunks: Iterable[bytes] = self._app(environ, start_response)  # type: ignore[arg-type]
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        return status, [(name.lower(), value) for name, value in given], body


def environ_of(scope: Any, headers: Sequence[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Build the WSGI environment (PEP 3333) of a request whose body has been read. Repeated headers are joined."""
    host, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": quote(scope.query_string, _ASCII),  # only non-ASCII characters are escaped
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": client_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        if name in ("content-length", "transfer-encoding"):
            continue  # about the message as it was received; here the body is complete
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if body or any(name == "content-length" for name, _ in headers):
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ
