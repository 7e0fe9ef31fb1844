"""Real servers for tests: one Postgres and one Valkey, started by the same code as by `onsale up`.

`start_servers(folder)` serves its own folder, and leaves nothing behind. A test can stop, start and kill each server.
Tests that change data use a database that no other test uses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from ops.up.folders import Folders, clear_sockets, empty, open_folders, remove
from ops.up.process import ProcessGroup, start
from ops.up.servers import Server, postgres_server, redis_server
from proof.kit.waiting import within

#: Seconds. A start takes less than one, but far longer on a machine whose cores are all busy.
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
#: Seconds after which a frozen server is thawed anyway: longer than any wait for it may take.
THAW_S = 30.0


@dataclass(slots=True)
class TestServer:
    """One server that a test may stop, kill and start again. Its data are kept."""

    __test__ = False

    server: Server
    group: ProcessGroup | None = field(default=None)

    @property
    def url(self) -> str:
        """The address for clients, whether it runs or not."""
        return self.server.url

    @property
    def pid(self) -> int:
        """The leader's process id. Raises RuntimeError if it does not run."""
        if self.group is None:
            raise RuntimeError(f"{self.server.launch.name} does not run")
        return self.group.pid

    def start(self) -> None:
        """Start it and wait until it answers. Raises: RuntimeError. Repeat: nothing happens."""
        if self.group is not None:
            return
        group = self.group = start(self.server.launch)
        within(lambda: self.server.ready(group.pid) or group.ended(), START_DEADLINE_S)
        if not self.server.ready(group.pid):
            self.kill()
            raise RuntimeError(f"{self.server.launch.name} did not start")

    def stop(self) -> None:
        """Shut it down in order: Postgres by a fast shutdown. Repeat: nothing happens."""
        if self.group is None:
            return
        self.group.stop()
        within(self.group.ended, STOP_DEADLINE_S)
        self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP all its processes until the block ends, or for THAW_S: it closes nothing and answers nothing."""
        assert self.group is not None
        leader = psutil.Process(self.group.pid)
        leader.suspend()  # first, so that it starts no more children
        every = [leader, *leader.children(recursive=True)]

        def thaw() -> None:
            for process in reversed(every):
                with suppress(psutil.NoSuchProcess):
                    process.resume()

        for process in every[1:]:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        late = threading.Timer(THAW_S, thaw)
        late.start()
        try:
            yield
        finally:
            late.cancel()
            thaw()

    def kill(self) -> None:
        """Kill -9, like a crash: what it has acknowledged is there after the next start. Repeat: nothing happens."""
        if self.group is not None:
            self.group.kill()
            self.group = None


@dataclass(slots=True)
class Servers:
    """A Postgres and a Valkey for tests. Make one with `start_servers`."""

    home: Path
    postgres: TestServer
    redis: TestServer

    @property
    def database_url(self) -> str:
        """The address of the database `onsale`, for SQLAlchemy."""
        return self.postgres.url

    def redis_url(self, database: int = 0) -> str:
        """Return the address of one of the 64 databases."""
        return self.redis.url.replace("?db=0", f"?db={database}")

    def stop(self) -> None:
        """Stop both, delete their data and their socket folder. Repeat: nothing happens."""
        self.postgres.stop()
        self.redis.stop()
        remove(self.home)


@contextmanager
def start_servers(
    folder: Path, *, fsync: bool = True, choice: str = "wheels", plant: Callable[[Folders], None] | None = None
) -> Iterator[Servers]:
    """Serve the folder (created if missing; servers' data in it are deleted) until the block ends.

    Args: fsync: False spares the disk; then a kill -9 of a server still loses nothing, but a power cut does.
          choice: where the programs come from, a value of ONSALE_SERVERS.
          plant: puts Postgres's data folder into the empty folders; otherwise initdb makes it.
    """
    home = folder.resolve()
    empty(home)
    folders = open_folders(home)
    clear_sockets(folders.sockets)
    if plant is not None:
        plant(folders)
    postgres = postgres_server(folders, choice)
    redis = redis_server(folders, choice, databases=64)
    if not fsync:
        postgres = _with_options(postgres, "-c", "fsync=off", "-c", "full_page_writes=off")
        redis = _with_options(redis, "--appendfsync", "no")
    servers = Servers(home, TestServer(postgres), TestServer(redis))
    try:
        servers.postgres.start()
        servers.redis.start()
        yield servers
    finally:
        servers.stop()


def _with_options(server: Server, *options: str) -> Server:
    """Return the server with options appended, which override earlier ones."""
    return replace(server, launch=replace(server.launch, command=(*server.launch.command, *options)))
