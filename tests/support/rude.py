"""A Redis that answers the greeting, takes what else is sent, and hangs up."""

from __future__ import annotations

import socket
import threading
from pathlib import Path


class Rude:
    """A server that answers only CLIENT and INFO, and closes the connection at any other command."""

    def __init__(self, path: Path) -> None:
        self.received = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(65536):
                    self.received += data
                    if b"CLIENT" in data:
                        connection.sendall(b"+OK\r\n" * data.count(b"CLIENT"))
                        continue
                    if b"INFO" in data:
                        connection.sendall(b"$11\r\nrole:master\r\n")
                        continue
                    break

    def close(self) -> None:
        self._listener.close()
