"""One connection per case: send bytes, read what comes until the server closes. Never a library that mends."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

#: Seconds after which a server that has the whole request, or its end, and says nothing, hangs.
HANG_S = 15.0
#: Seconds that a server may wait for more of what may not be a whole request.
PATIENCE_S = 0.3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` 0: nothing, the connection was closed.   `hung`: neither an answer nor an end."""

    status: int
    raw: bytes = b""
    hung: bool = False


def send(host: str, port: int, data: bytes, *, whole: bool) -> Answer:
    """Send a request and read the answer. `whole`: it is complete, and asks for the connection to be closed."""
    with socket.create_connection((host, port), timeout=HANG_S) as connection:
        raw = b""
        with suppress(ConnectionError):  # a server may close on what it dislikes before it has read all of it
            connection.sendall(data)
        if not whole:
            connection.settimeout(PATIENCE_S)
            raw, ended = _read(connection)
            if ended:
                return Answer(_status(raw), raw)
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(HANG_S)
        more, ended = _read(connection)
        return Answer(_status(raw + more), raw + more, hung=not ended)


def _read(connection: socket.socket) -> tuple[bytes, bool]:
    """What comes, and whether the other side has closed."""
    raw = b""
    try:
        while part := connection.recv(65_536):
            raw += part
    except TimeoutError:
        return raw, False
    except ConnectionError:
        pass
    return raw, True


def _status(raw: bytes) -> int:
    """The status of the last answer but interim ones; 0 if there is none."""
    words = raw.split(b"\r\n", 1)[0].split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return 0
    if words[1] == b"100":
        return _status(raw.partition(b"\r\n\r\n")[2])
    return int(words[1])
