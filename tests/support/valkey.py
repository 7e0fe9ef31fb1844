"""A Valkey for one test, which the test may demote, stop and misconfigure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from ops.up.folders import open_folders, remove
from ops.up.servers import redis_server
from proof.kit.servers import TestServer


class Valkey:
    """A Valkey process for one test, and a client of its database 1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.server = TestServer(redis_server(open_folders(self.folder), "wheels", databases=4))
        self.server.start()
        self.client = redis.Redis.from_url(self.server.url.replace("db=0", "db=1"), decode_responses=True)

    @property
    def socket(self) -> Path:
        return Path(self.server.url.removeprefix("unix://").split("?")[0])

    def demote(self) -> None:
        """Make it the replica of an address where no server is."""
        self.client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def promote(self) -> None:
        self.client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def valkey(folder: Path) -> Iterator[Valkey]:
    started = Valkey(folder)
    try:
        yield started
    finally:
        started.client.close()
        started.server.kill()
        remove(started.folder)
