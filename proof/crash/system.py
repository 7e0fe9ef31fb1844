"""The system of a run: real servers, one api, one worker and one scheduler, none of them armed.

They run until the end. Each case adds one armed process, from which these take over.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from core.errors import PostgresUnavailable
from core.local_settings import LocalSettings
from ops.bootstrap import bootstrap
from ops.up import programs
from ops.up.address import base_url, free_port
from ops.up.folders import remove
from ops.up.home import metrics_folder
from ops.up.process import ProcessGroup, start
from ops.up.running import RunningSystem
from ops.up.servers import ServerSet, prepare_servers
from proof.crash.cases import Case
from proof.kit.waiting import TICK_S, until

T = TypeVar("T")

LANES = 4
#: Milliseconds of a lease, a fifth of the default: so a case takes seconds.
LEASE_MS = 400
#: Settings with which the processes take over quickly.
SHORT = {"LEASE_MS": str(LEASE_MS), "DRAIN_S": "0.5", "LINGER_MS": "0", "LOG_LEVEL": "INFO"}
#: Seconds for a server or an api to answer.
START_S = 60.0


@dataclass(slots=True)
class System:
    """The running system. Make one with `open_system`."""

    stores: ServerSet
    settings: LocalSettings
    running: RunningSystem
    metrics: Path
    groups: dict[str, ProcessGroup] = field(default_factory=dict)
    _numbers: int = 0

    def begin(self) -> None:
        """Start the servers and the unarmed processes. Raises: TimedOut, and what the preparation raises."""
        for server in self.stores.servers:
            group = self.groups[server.launch.name] = start(server.launch)
            until(partial(server.ready, group.pid), START_S, server.launch.name)
        urls = self.running.database_url, self.running.redis_url
        bootstrap(*urls, lanes=LANES, admin_email="", admin_password="")
        for process in ("worker", "scheduler", "api"):
            self.groups[process], url = self.launch(process)
        self.running = replace(self.running, base_url=url)

    def launch(self, process: str, crash: str = "") -> tuple[ProcessGroup, str]:
        """Start an api, worker or scheduler; return its group and, for an api, its address."""
        self._numbers += 1
        settings = replace(self.settings, port=free_port(self.settings.host) if process == "api" else 0)
        env = {**programs.environment(settings, self.running, self.metrics), **SHORT, "ONSALE_CRASH": crash}
        match process:
            case "api":
                group = start(programs.api(settings, env))
            case "worker":
                group = start(programs.worker(settings, env, self._numbers))
            case _:
                group = start(programs.scheduler(env))
        return group, base_url(settings.host, settings.port)

    @contextmanager
    def armed(self, case: Case, proof: Path) -> Iterator[tuple[ProcessGroup, str]]:
        """Start an armed process, and kill it when the block ends. Yields its group and address."""
        group, url = self.launch(case.process, f"{case.point}:{case.fault}:{case.nth}:{proof}")
        try:
            yield group, url
        finally:
            group.kill()

    @contextmanager
    def paused(self, name: str) -> Iterator[Callable[[], None]]:
        """Pause an unarmed process until the block ends, or until the yielded function is called."""
        pid = self.groups[name].pid

        def resume() -> None:
            os.killpg(pid, signal.SIGCONT)

        os.killpg(pid, signal.SIGSTOP)
        try:
            yield resume
        finally:
            resume()

    def ended(self) -> list[str]:
        """Return which servers and unarmed processes have ended, in words."""
        return [f"{name} ended: {why}" for name, group in self.groups.items() if (why := group.look())]

    def end(self) -> None:
        """Kill everything, the last started first: the data are discarded."""
        for group in reversed(self.groups.values()):
            group.kill()


def answered(ask: Callable[[], T]) -> T:
    """Return what a query returns, repeating it while a stalled machine makes Postgres unavailable."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            return ask()
        except PostgresUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(TICK_S)


@contextmanager
def open_system() -> Iterator[System]:
    """Run the system in a temporary home until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-crash-")).resolve()
    settings = replace(LocalSettings.from_env(), host="127.0.0.1", lanes=LANES, api_processes=1, workers=1)
    try:
        stores = prepare_servers(folder, choice=settings.servers)
        running = RunningSystem(
            database_url=stores.database_url,
            redis_url=stores.redis_url,
            broker_url=stores.broker_url,
            jwt_secret="of no use once the crash run is over",
            base_url="",
        )
        system = System(stores, settings, running, metrics_folder(folder))
        try:
            system.begin()
            yield system
        finally:
            system.end()
    finally:
        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)
