"""The api's listening socket: created before its processes, and kept while they are replaced."""

from __future__ import annotations

import errno
import socket
import sys

from core.errors import ConfigurationError

#: Max connections in the kernel's queue until a process accepts them, in a spike or while processes are replaced.
BACKLOG = 4096
#: Seconds after which the connection of a client that reads nothing of its answer is closed.
UNREAD_S = 30


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket at an address of this machine; port 0 picks a free one.

    Raises: ConfigurationError: the port is taken, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(f"HOST {host!r} is no address of this machine: {error.strerror}.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # Allow a port whose connections are in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise ConfigurationError(
            f"Port {port} of {host} is taken: choose another with --port (0 picks a free one)."
            if taken
            else f"{host}:{port} cannot be listened on: {error.strerror}."
        ) from error
    return listener


def let_go_of_silent_readers(listener: socket.socket) -> None:
    """Have the kernel close connections whose client reads nothing for UNREAD_S; they inherit it from the listener.

    Otherwise a client could keep a connection for ever by requesting something large and not reading it. Linux only;
    no effect elsewhere.
    """
    if sys.platform == "linux" and listener.family in (socket.AF_INET, socket.AF_INET6):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
