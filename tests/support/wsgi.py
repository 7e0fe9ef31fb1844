"""The Flask application on real WSGI servers, and a client that sends chunked bodies, which test clients cannot."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from threading import Thread
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from api.app import create_app
from api.assembly import open_backend
from proof.kit.environment import offline_settings
from proof.kit.waiting import PATIENCE_S, until
from tests.support.rules import PROJECT

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def offline_app() -> Flask:
    """Return the application without any store behind it, and without rate and login limits."""
    settings = offline_settings(RATE_LIMIT_PER_S="0", LOGINS_PER_ADDRESS="0", LOGINS_PER_ACCOUNT="0")
    return create_app(settings, open_backend(settings))


@contextmanager
def on_werkzeug(app: Flask) -> Iterator[int]:
    """Run the application on Werkzeug's server, with a thread per connection; yield the port."""
    server = make_server(HOST, 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join(PATIENCE_S)
    server.server_close()


@contextmanager
def on_granian() -> Iterator[int]:
    """Run `offline_app` on granian's WSGI server, in a separate process; yield the port."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--interface", "wsgi", "--factory", "--host", HOST, "--port", str(port), "--log-level", "error")
    command = (sys.executable, "-m", "granian", *options, "tests.support.wsgi:offline_app")
    process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    try:
        until(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def chunked(
    port: int, path: str, chunks: Iterable[bytes], headers: Mapping[str, str] | None = None, method: str = "POST"
) -> Answer:
    """Send a JSON body in these chunks, none of them empty; return the answer."""
    given = {"Host": HOST, "Content-Type": "application/json", "Transfer-Encoding": "chunked", **(headers or {})}
    head = "".join(
        [f"{method} {path} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in given.items()), "\r\n"]
    )
    with socket.create_connection((HOST, port), PATIENCE_S) as client:
        with suppress(ConnectionError, BrokenPipeError):  # an answer may arrive before the body's end
            client.sendall(head.encode())
            for chunk in chunks:
                client.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            client.sendall(b"0\r\n\r\n")
        response = HTTPResponse(client, method=method)
        response.begin()
        return Answer(response.status, dict(response.headers), response.read())


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False
