"""The servers of a home: postgres, redis and broker, prepared but not yet started.

A server whose address is given (DATABASE_URL, REDIS_URL, BROKER_URL) is external: it is used, but neither looked for
nor started. folders.py has the folders' layout.
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
    """One server to start. `ready(pid of the leader)` returns whether it accepts connections."""

    launch: Launch
    url: str
    ready: Callable[[int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSet:
    """The addresses of a system's three servers, and those of the servers that we start, in order."""

    database_url: str
    redis_url: str
    broker_url: str
    servers: tuple[Server, ...]


def prepare_servers(
    home: Path, *, choice: str, database_url: str = "", redis_url: str = "", broker_url: str = ""
) -> ServerSet:
    """Find the programs and make the data folders of the servers to start. Repeat: existing data are kept.

    Args:   choice: where to look for programs, "wheels" or "path".
            database_url, redis_url, broker_url: addresses of external servers; "": start our own.
    Raises: ConfigurationError: a program is missing, or the data cannot be used.
    The caller holds the home's lock and has ended what an earlier run left: old sockets are removed here.
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
    return ServerSet(
        database_url=with_driver(database_url) or urls["postgres"],
        redis_url=redis,
        broker_url=broker_url or urls.get("broker") or other_database(redis),
        servers=tuple(servers),
    )


def postgres_server(folders: Folders, choice: str) -> Server:
    """Prepare Postgres; make its data folder if there is none."""
    program = reachable(find_postgres(choice), folders.account)
    postgres.prepare(program, folders)
    ready = partial(postgres.ready, folders)
    return Server(launch=postgres.launch(program, folders), url=postgres.url(folders), ready=ready)


def redis_server(folders: Folders, choice: str, *, databases: int = 16) -> Server:
    """Prepare the Valkey that stores accepted operations durably."""
    return _valkey_server(folders, choice, "redis", keeps=True, databases=databases)


def broker_server(folders: Folders, choice: str) -> Server:
    """Prepare the Valkey that only Dramatiq uses; its data may be lost."""
    return _valkey_server(folders, choice, "broker", keeps=False, databases=16)


def _valkey_server(folders: Folders, choice: str, name: str, *, keeps: bool, databases: int) -> Server:
    program = reachable(find_valkey(choice), folders.account)
    launch = valkey.launch(program, folders, name, keeps=keeps, databases=databases)

    def ready(_pid: int) -> bool:
        return valkey.ready(folders, name)

    return Server(launch=launch, url=valkey.url(folders, name), ready=ready)
