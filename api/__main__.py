"""`python -m api`: the api's server, granian with API_PROCESSES processes on one listening socket.

The socket is created here, before any process, or inherited: `--fd N` names one that the parent has opened (`onsale
up`, a systemd unit). So while one process, or the whole server, is replaced, new connections wait in the kernel's
queue instead of being refused. docs/operations.md explains the settings.
"""

from __future__ import annotations

import argparse
import importlib
import math
import multiprocessing
import os
import resource
import signal
import socket
import sys
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from api.server.listening import BACKLOG, let_go_of_silent_readers, listen
from core import logs
from core.errors import ConfigurationError
from core.server_settings import ServerSettings

#: File descriptors of a process besides its connections: stores, logs, metrics, modules.
OTHER_FILES = 256
#: Max bytes of the request line and headers together; hyper rejects more, or more than 100 header fields, with 431.
MOST_HEADER_BYTES = 16 * 1024
#: Seconds that a leaving process has, after LEAVE_S, to answer the requests it has begun.
GRACE_S = 5

log = logs.logger(__name__)


class Onsale(Server):  # type: ignore[misc, valid-type]
    """granian's server, on a socket that already exists."""

    def __init__(self, listener: socket.socket, **options: Any) -> None:
        super().__init__(**options)
        self._listener = listener

    def serve(self) -> None:
        """Serve until SIGTERM or SIGINT. A process that gets one of them before it serves ends at once.

        A fork inherits the master's signal handlers, which do nothing in it, until it has imported everything and
        installed its own. So each fork first restores the default handlers; signals are blocked until it has.
        """
        ends = (signal.SIGTERM, signal.SIGINT)

        def begin() -> None:
            for number in ends:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)

        os.register_at_fork(
            before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ends),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, ends),
            after_in_child=begin,
        )
        super().serve()

    def _init_shared_socket(self) -> None:
        self._sso = self._listener
        self._sso.set_inheritable(True)
        self._shd = SocketHolder(self._listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]
        self._sfd = self._listener.fileno()


def main() -> None:
    """Serve until SIGTERM or SIGINT. Exit with code 78 if the configuration is unusable."""
    parser = argparse.ArgumentParser(prog="python -m api", description="Serve the API. Settings: the environment.")
    parser.add_argument("--fd", type=int, help="file descriptor of a listening socket (default: HOST and PORT)")
    fd: int | None = parser.parse_args().fd
    try:
        settings = ServerSettings.from_env()
        listener = listen(settings.host, settings.port) if fd is None else socket.socket(fileno=fd)
    except ConfigurationError as error:
        print(f"configuration: {error}", file=sys.stderr)
        sys.exit(78)
    logs.configure(process="api", json=settings.log_json, level=settings.log_level)
    serve(settings, listener)


def serve(settings: ServerSettings, listener: socket.socket) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT."""
    if sys.platform == "linux":
        # From Python 3.14 on granian would not fork its processes, and multiprocessing would add one for itself.
        multiprocessing.set_start_method("fork", force=True)
    let_go_of_silent_readers(listener)
    # Before any process is forked: so each one begins, and replaces another, without importing everything by itself.
    importlib.import_module("api.app")
    host, port = listener.getsockname()[:2]
    front = settings.front
    server = Onsale(
        listener,
        target="api.app:create_front_from_env" if front else "api.app:create_flask_from_env",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.RSGI if front else Interfaces.WSGI,
        blocking_threads=1 if front else settings.threads,
        workers=settings.processes,
        loop=Loops.uvloop,
        # HTTP/2 would let one small request expand into thousands of headers; a balancer speaks it to browsers.
        http=HTTPModes.http1,
        # The deadline for a request's headers, and how long a connection may be idle.
        http1_settings=HTTP1Settings(
            header_read_timeout=settings.keep_alive_s * 1000, max_buffer_size=MOST_HEADER_BYTES
        ),
        websockets=False,
        backlog=BACKLOG,
        # granian's limit on open connections per process; further ones wait in the kernel's queue.
        backpressure=allow_connections(settings.connections),
        # Immediately, while the others serve; a process that ends twice within 5.5 s ends the server as well.
        respawn_failed_workers=True,
        workers_kill_timeout=math.ceil(settings.leave_s) + GRACE_S,
        log_level=LogLevels.error,
    )
    server.serve()


def allow_connections(wanted: int) -> int:
    """Raise the limit of open files as far as `wanted` connections need; return how many connections it allows."""
    needed = wanted + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = max(64, soft - OTHER_FILES)
        log.warning("file_limit_low", open_files=soft, connections=allowed, wanted=wanted)
        return allowed
    return wanted


if __name__ == "__main__":
    main()
