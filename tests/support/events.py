"""Reads server-sent events from a socket, as they arrive."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event; its data is JSON."""

    name: str
    id: str
    data: Any


class EventReader:
    """A request for events and its answer. `comments`: how many heartbeats have arrived."""

    def __init__(self, address: tuple[str, int], path: str, headers: dict[str, str]) -> None:
        self.comments = self.retry = 0
        self.head: dict[str, str] = {}
        self._rest, self._ended = b"", False
        self._socket = socket.create_connection(address, timeout=15)
        lines = [f"GET {path} HTTP/1.1", "Host: onsale", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        while line := self._file.readline().decode().rstrip("\r\n"):
            name, _, value = line.partition(":")
            self.head[name.lower()] = value.strip()

    def __enter__(self) -> EventReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def next(self) -> Event | None:
        """Wait for the next event; None: the answer has ended as it should. Raises: TimeoutError, ConnectionError."""
        while True:
            while b"\n\n" in self._rest:
                block, _, self._rest = self._rest.partition(b"\n\n")
                if found := self._event(block.decode()):
                    return found
            if self._ended:
                return None
            self._more()

    def all(self) -> list[Event]:
        """Return all events until the answer ends."""
        return list(iter(self.next, None))

    def _event(self, block: str) -> Event | None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        self.comments += block.startswith(":")
        self.retry = int(fields.get("retry", self.retry))
        if "event" not in fields:
            return None
        return Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))

    def _more(self) -> None:
        if self.head.get("transfer-encoding") != "chunked":
            self._rest += self._file.read(int(self.head["content-length"]))
            self._ended = True
            return
        line = self._file.readline()
        if not line:
            raise ConnectionError("closed in the middle")
        size = int(line, 16)
        self._rest += self._file.read(size)
        self._file.readline()
        self._ended = size == 0
