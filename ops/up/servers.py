"""The servers of a home: postgres, redis and broker, prepared and described, not yet started.

A server whose address is given (DATABASE_URL, REDIS_URL, BROKER_URL) is somebody else's: it is used and
neither started nor looked for. Which folder holds what stands in folders.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.addresses import other_database, with_driver
from ops.up import postgres, valkey
from ops.up.binaries import find_postgres, find_valkey
from ops.up.copies import reachable
from ops.up.folders import Folders, clear_sockets, open_folders
from ops.up.process import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server to start. `ready` is asked with the leader's process id and connects to nothing else."""

    launch: Launch
    url: str
    ready: Callable[[int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The three addresses, and the servers that have to be started for them, in order."""

    database_url: str
    redis_url: str
    broker_url: str
    servers: tuple[Server, ...]


def prepare(home: Path, *, choice: str, database_url: str = "", redis_url: str = "", broker_url: str = "") -> Stores:
    """Make everything ready for the servers' start. Repeat: what is there is kept.

    Args:   choice: where to look for programs, wheels or path. An address that is not empty is used as it is.
    Raises: ConfigurationError if a program is missing, or the data cannot be used.
    The caller holds the home's lock and has ended what an earlier run left: sockets are cleared here.
    """
    servers: list[Server] = []
    if not (database_url and redis_url):
        folders = open_folders(home)
        clear_sockets(folders.sockets)
        if not database_url:
            servers.append(postgres_server(folders, choice))
        if not redis_url:
            servers.append(redis_server(folders, choice))
            if not broker_url:
                servers.append(broker_server(folders, choice))
    urls = {server.launch.name: server.url for server in servers}
    redis = redis_url or urls["redis"]
    return Stores(
        database_url=with_driver(database_url) or urls["postgres"],
        redis_url=redis,
        broker_url=broker_url or urls.get("broker") or other_database(redis),
        servers=tuple(servers),
    )


def postgres_server(folders: Folders, choice: str) -> Server:
    """Postgres, its data folder made if there was none."""
    program = reachable(find_postgres(choice), folders.account)
    postgres.prepare(program, folders)
    ready = partial(postgres.ready, folders)
    return Server(launch=postgres.launch(program, folders), url=postgres.url(folders), ready=ready)


def redis_server(folders: Folders, choice: str, *, databases: int = 16) -> Server:
    """The Valkey that keeps what was accepted."""
    return _valkey_server(folders, choice, "redis", keeps=True, databases=databases)


def broker_server(folders: Folders, choice: str) -> Server:
    """The Valkey of Dramatiq alone: what it holds may be lost."""
    return _valkey_server(folders, choice, "broker", keeps=False, databases=16)


def _valkey_server(folders: Folders, choice: str, name: str, *, keeps: bool, databases: int) -> Server:
    program = reachable(find_valkey(choice), folders.account)
    launch = valkey.launch(program, folders, name, keeps=keeps, databases=databases)

    def ready(_pid: int) -> bool:
        return valkey.ready(folders, name)

    return Server(launch=launch, url=valkey.url(folders, name), ready=ready)
