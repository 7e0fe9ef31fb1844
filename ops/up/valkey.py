"""The two Valkeys of a home: `redis`, which keeps what was accepted, and `broker`, which may forget.

Both listen on a unix socket in a private folder and nowhere else. `redis` answers a write only when it is
on disk (`appendfsync always`) and never drops a key to make room (`noeviction`): a 202 rests on that.
"""

from __future__ import annotations

import socket
from pathlib import Path

from ops.up.binaries import Program
from ops.up.folders import Folders
from ops.up.postgres import ENV
from ops.up.process import Launch

#: One round trip on a unix socket; a server that is busy longer is asked again.
PING_TIMEOUT_S = 0.5

KEEPS = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "1gb")
FORGETS = ("--appendonly", "no", "--maxmemory", "128mb")


def launch(program: Program, folders: Folders, name: str, *, keeps: bool, databases: int = 16) -> Launch:
    """How one Valkey is started. `keeps`: its data outlive it, in a folder of its name."""
    cwd = folders.lend(name) if keeps else folders.sockets
    # fmt: off
    command = (
        str(program.path),
        "--port", "0",
        "--unixsocket", str(_socket(folders, name)),
        "--unixsocketperm", "700",
        "--dir", str(cwd),
        "--databases", str(databases),
        "--maxmemory-policy", "noeviction",
        "--save", "",
        "--loglevel", "warning",
        *(KEEPS if keeps else FORGETS),
    )
    # fmt: on
    return Launch(name=name, command=command, cwd=Path("/"), env=ENV, account=folders.account)


def url(folders: Folders, name: str) -> str:
    """Where clients find it: database 0."""
    return f"unix://{_socket(folders, name)}?db=0"


def ready(folders: Folders, name: str) -> bool:
    """Whether it answers, and is not still loading its data."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PING_TIMEOUT_S)
        try:
            client.connect(str(_socket(folders, name)))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _socket(folders: Folders, name: str) -> Path:
    return folders.sockets / f"{name}.sock"
