"""A plain HTTP client for loopback, for threads: keep-alive connections, requests of bytes or of JSON.

No request is repeated. async_client.py has the same client for an event loop, and raises the same errors.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from core.errors import OnsaleError


class Broken(OnsaleError):
    """The connection was refused, or broke before the first byte of the answer."""

    code = "broken"


class NoAnswer(OnsaleError):
    """The client's deadline passed, or the answer was cut."""

    code = "no_answer"


class Refused(OnsaleError):
    """The answer's status is not 2xx."""

    code = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object; {} if it has none."""
        return json_object(self.body)


class Client:
    """Sends requests to one server. Threads may share it: each request has a connection to itself."""

    def __init__(self, base_url: str, *, timeout_s: float = 30.0) -> None:
        """`timeout_s`: seconds for connecting, and for each read of an answer."""
        self._address = urlsplit(base_url).netloc
        self._timeout_s = timeout_s
        self._idle: list[HTTPConnection] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request of bytes. Raises: Broken, NoAnswer."""
        connection = self._take()
        kept = False
        try:
            try:
                connection.request(method, path, body, dict(headers or {}))
                response = connection.getresponse()
            except ConnectionError as error:
                raise Broken(f"{method} {path}: {error}") from error
            answer = Answer(response.status, response.read())
            kept = not response.will_close
        except (OSError, HTTPException) as error:
            raise NoAnswer(f"{method} {path}: {error!r}") from error
        finally:
            if kept:
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> Answer:
        """Send a request of JSON, with a bearer token and an Idempotency-Key if given. Raises: Broken, NoAnswer."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        return self.send(method, path, None if body is None else json.dumps(body).encode(), headers)

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> dict[str, Any]:
        """Return the JSON object of a 2xx answer to `ask`. Raises: Refused, Broken, NoAnswer."""
        answer = self.ask(method, path, body, token=token, key=key)
        if not 200 <= answer.status < 300:
            raise Refused(f"{method} {path} was answered {answer.status}: {answer.body[:200]!r}")
        return answer.json()

    def text(self, path: str) -> str:
        """Return the text of a 2xx answer to a GET. Raises: Refused, Broken, NoAnswer."""
        answer = self.send("GET", path)
        if not 200 <= answer.status < 300:
            raise Refused(f"GET {path} was answered {answer.status}: {answer.body[:200]!r}")
        return answer.body.decode()

    def _take(self) -> HTTPConnection:
        """Return an idle connection that the server has not closed, or a new one."""
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if self._usable(connection):
                    return connection
                connection.close()
        return HTTPConnection(self._address, timeout=self._timeout_s)

    def _usable(self, connection: HTTPConnection) -> bool:
        """Return whether nothing has arrived on an idle connection: neither its end nor unexpected bytes."""
        if connection.sock is None:
            return False
        try:
            connection.sock.setblocking(False)
            connection.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            connection.sock.settimeout(self._timeout_s)
            return True
        except OSError:
            pass
        return False


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; {} if it has none."""
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
