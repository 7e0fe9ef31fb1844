"""Real servers for tests: one Postgres and one Valkey, the same code that `onsale up` starts them with.

`start_servers(folder)` serves a folder of its own; nothing is left when it ends. Each server can be
stopped, started and killed by a test. Tests that change data take a database of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from ops.up.folders import Folders, clear_sockets, empty, open_folders, remove
from ops.up.process import ProcessGroup, start
from ops.up.servers import Server, postgres_server, redis_server

#: A start takes well below a second; a machine with every core busy may need much longer.
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
#: Longer than anything that waits for a frozen server may take.
THAW_S = 30.0


@dataclass(slots=True)
class TestServer:
    """One server that a test may stop, kill and start again. Its data are kept between."""

    __test__ = False

    server: Server
    group: ProcessGroup | None = field(default=None)

    @property
    def url(self) -> str:
        """Where clients find it, whether it runs or not."""
        return self.server.url

    @property
    def pid(self) -> int:
        """The leader's process id. Raises RuntimeError if it does not run."""
        if self.group is None:
            raise RuntimeError(f"{self.server.launch.name} does not run")
        return self.group.pid

    def start(self) -> None:
        """Start it and wait until it answers. Repeat: a running one is left alone."""
        if self.group is not None:
            return
        self.group = start(self.server.launch)
        deadline = time.monotonic() + START_DEADLINE_S
        while not self.server.ready(self.group.pid):
            if self.group.ended() or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.server.launch.name} did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in good order: Postgres by a fast shutdown. Repeat: nothing happens."""
        if self.group is None:
            return
        self.group.stop()
        deadline = time.monotonic() + STOP_DEADLINE_S
        while not self.group.ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP all of it until the block ends: it closes nothing and answers nothing. Or until a test that
        waits for it has waited too long."""
        assert self.group is not None
        leader = psutil.Process(self.group.pid)
        leader.suspend()  # first, so that it makes no more children
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
        """Kill -9, as a crash would: what was promised is there after the next start. Repeat: nothing."""
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
        """SQLAlchemy's address of the database `onsale`."""
        return self.postgres.url

    def redis_url(self, database: int = 0) -> str:
        """The address of one of its 64 databases."""
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
    """Serve the folder (made if missing, emptied of servers' data) until the block ends.

    Args: fsync: False spares the disk; kill -9 of a server still loses nothing then, a power cut would.
          choice: where the programs come from, as ONSALE_SERVERS says it.
          plant: puts Postgres's data folder into the empty folders; else it is made anew.
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
    """The server with options that come last and therefore count."""
    return replace(server, launch=replace(server.launch, command=(*server.launch.command, *options)))
