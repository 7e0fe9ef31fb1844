"""HTTP/1.1 over a socket: bytes are sent exactly as given, and answers are not corrected."""

from __future__ import annotations

import json
import select
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

#: Seconds of silence after which a server counts as hanging.
HANG_S = 15.0
Address = tuple[str, int]


@dataclass(slots=True)
class Answer:
    """An answer; header names are lower-case, repeated ones separate. `interim`: the statuses sent before it."""

    version: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Return the values of a header, one per line."""
        return [value for each, value in self.headers if each == name]

    def one(self, name: str) -> str:
        """Return the value of a header; "" if it is absent. Raises: AssertionError: it is repeated."""
        values = self.all(name)
        assert len(values) < 2, f"{name}: {values}"
        return values[0] if values else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection. Answers are read in the order of the requests."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection(address, timeout=HANG_S)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes. The server may have rejected earlier ones and closed; its answer can still be read."""
        with suppress(ConnectionError):
            self._socket.sendall(data)

    def silent(self, seconds: float) -> bool:
        """Return whether nothing arrives for `seconds`. Call it before an answer is read, not after part of it."""
        poll = select.poll()  # select() supports only 1,024 files
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(seconds * 1000)

    def read(self, method: str = "GET") -> Answer:
        """Read one answer to a request of this method. Raises: ConnectionError: it is closed; TimeoutError."""
        interim = []
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError("closed without an answer")
            version, status, *_ = line.decode("latin-1").split(" ", 2)
            headers = self._headers()
            if not 100 <= int(status) < 200:
                break
            interim.append(int(status))
        answer = Answer(version, int(status), headers, b"", interim)
        if method != "HEAD" and answer.status not in (204, 304):
            answer.body = self._body(answer)
        return answer

    def continued(self) -> bool:
        """Read a status line and headers; return whether they are a 100, which asks for the body."""
        line = self._file.readline()
        self._headers()
        return line.startswith(b"HTTP/1.1 100")

    def ended(self) -> bool:
        """Wait for more bytes; return whether the server has closed without any. Raises: TimeoutError."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def _headers(self) -> list[tuple[str, str]]:
        lines = iter(lambda: self._file.readline().decode("latin-1").rstrip("\r\n"), "")
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def _body(self, answer: Answer) -> bytes:
        if answer.one("transfer-encoding") == "chunked":
            assert not answer.all("content-length")
            body = b""
            while size := int(self._file.readline().split(b";")[0], 16):
                body += self._file.read(size)
                assert self._file.readline() == b"\r\n"
            self._headers()
            return body
        length = answer.one("content-length")
        body = self._file.read(int(length)) if length else self._file.read()
        assert not length or len(body) == int(length), "cut short"
        return body


def ask(address: Address, data: bytes, method: str = "GET") -> Answer:
    """Send a request on a new connection and read the answer."""
    with Connection(address) as connection:
        connection.send(data)
        return connection.read(method)


def head(method: str, target: str, *headers: tuple[str, str], version: str = "1.1") -> bytes:
    """Return a request up to its body. `target` and values are Latin-1: one byte per character."""
    lines = [
        f"{method} {target} HTTP/{version}",
        *(f"{name}: {value}" for name, value in (("Host", "onsale"), *headers)),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunked(body: bytes, size: int, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """Return a body in chunks of `size` bytes, each with this extension, and trailer lines after the last one."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = [b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts]
    return b"".join([*framed, b"0%b\r\n" % extension, trailers, b"\r\n"])
