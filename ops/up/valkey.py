"""The two Valkeys of a home: `redis`, which is durable, and `broker`, whose data may be lost.

Both listen only on a unix socket in a private folder. `redis` answers a write only when it is on disk (`appendfsync
always`) and never evicts a key (`noeviction`): a 202 depends on both.
"""

from __future__ import annotations

import socket
from pathlib import Path

from ops.up.binaries import Program
from ops.up.folders import Folders
from ops.up.postgres import ENV
from ops.up.process import Launch

#: Timeout of one PING, seconds. A server that is busy for longer is checked again.
PING_TIMEOUT_S = 0.5

KEEPS = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "1gb")
FORGETS = ("--appendonly", "no", "--maxmemory", "128mb")


def launch(program: Program, folders: Folders, name: str, *, keeps: bool, databases: int = 16) -> Launch:
    """Return how to start one Valkey. `keeps`: it is durable, with its data in the folder `name`."""
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
    """Return its URL, with database 0."""
    return f"unix://{_socket(folders, name)}?db=0"


def ready(folders: Folders, name: str) -> bool:
    """Return whether it answers and has loaded its data."""
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
