"""The load generator's HTTP client: prepared requests, and responses parsed from keep-alive sockets.

Not proof/kit/client.py: the generator shares two cores with what it measures, so it does as little as possible,
without a library or header objects. For loopback, and for servers that send a Content-Length.
"""

from __future__ import annotations

import json
import socket
from typing import Any
from uuid import UUID

from ops.rush.tokens import mint

_HEAD = b"Host: localhost\r\n"


def get(path: str, token: str = "", *, gzip: bool = False) -> bytes:
    """Return a GET request. `gzip`: as browsers send it, which accept a compressed answer."""
    more = b"Accept-Encoding: gzip\r\n" if gzip else b""
    return f"GET {path} HTTP/1.1\r\n".encode() + _HEAD + _bearer(token) + more + b"\r\n"


def post_booking(show_id: int, seat: str, token: str, key: str, prefer_s: int = 0) -> bytes:
    """Return a POST request that books one named seat. `prefer_s`: it prefers to wait that long for the outcome."""
    body = json.dumps({"show_id": show_id, "seats": [seat]}).encode()
    prefer = f"Prefer: wait={prefer_s}\r\n" if prefer_s else ""
    head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n{prefer}\r\n"
    return b"POST /api/bookings HTTP/1.1\r\n" + _HEAD + _bearer(token) + head.encode() + body


def buyer_token(secret: str, number: int) -> str:
    """Return the token of the buyer with this number; each number is another user."""
    return mint(secret, str(UUID(int=number + (8 << 76) + (2 << 62))))


def _bearer(token: str) -> bytes:
    return f"Authorization: Bearer {token}\r\n".encode() if token else b""


def parse(data: bytes) -> tuple[int, bytes] | None:
    """Return status and body of a response; None while it is incomplete. Raises ValueError if it is malformed."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    if len(data) < end + 4 + length:
        return None
    return int(data[9:12]), data[end + 4 : end + 4 + length]


class Connection:
    """One keep-alive connection with at most one request in flight. `about`: the caller's data about that request."""

    __slots__ = ("_address", "_data", "about", "sent_at", "socket")

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._data = b""
        self.about: Any = None
        self.sent_at = 0.0
        self.socket = self._connected()

    def send(self, request: bytes) -> None:
        """Send a request. Raises: OSError: it was not sent, or only in part."""
        self._data = b""
        if self.socket.send(request) != len(request):
            raise OSError("The socket's buffer is smaller than one request.")

    def receive(self) -> tuple[int, bytes] | None:
        """Read, and return status and body; None while the response is incomplete. Raises OSError and ValueError."""
        try:
            more = self.socket.recv(65536)
        except BlockingIOError:
            return None
        if not more:
            raise ConnectionResetError
        self._data = self._data + more if self._data else more
        return parse(self._data)

    def renew(self) -> None:
        """Connect again. Raises OSError."""
        self.socket.close()
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        made = socket.create_connection(self._address, timeout=5.0)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        return made
