"""From a request on the event loop to Flask in a thread: with its body complete, and with a bounded queue."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from flask import Flask

from api.web.threads import Threads

#: Paths that operators' tools ask for. They, and OPTIONS, which browsers send before a request of another origin's
#: page, touch no Postgres: they have threads of their own and never wait behind other requests.
OPERATIONS = ("/metrics", "/api/health")
OPERATIONS_THREADS, OPERATIONS_WAITING = 2, 512
#: Seconds that a request waits for a thread.
PATIENCE_S = 10.0

_ASCII = "".join(map(chr, range(128)))

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class Bridge:
    """Calls a WSGI application for an event loop."""

    def __init__(self, app: Flask, *, threads: int, waiting: int) -> None:
        """Args: threads: requests that are answered at once.   waiting: how many more may wait for a thread."""
        self._app = app
        self._threads = Threads(threads, waiting=waiting, patience_s=PATIENCE_S, name="flask")
        self._operations = Threads(
            OPERATIONS_THREADS, waiting=OPERATIONS_WAITING, patience_s=PATIENCE_S, name="operations"
        )

    async def answer(self, scope: Any, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Return the application's status, headers and body. Raises: Busy.

        Args: scope: of RSGI.   headers: of the request; those with an underscore in their name must be left out.
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
    """The WSGI environment (PEP 3333) of a request whose body has been read. Repeated headers are joined."""
    host, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": quote(scope.query_string, _ASCII),  # what is beyond ASCII has no place there as it is
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
            continue  # of the message as it came; the body is whole here
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if body or any(name == "content-length" for name, _ in headers):
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ
