"""The ground of a run: real servers and, beside them, one api, one worker and one scheduler with nothing armed.

They stand for the whole run. Each case adds one armed process; the standing ones take over from it.
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

from core.errors import OnsaleError, PostgresUnavailable
from core.local_settings import LocalSettings
from ops.prepare import prepare as prepare_stores
from ops.up import programs
from ops.up.address import base_url, free_port
from ops.up.folders import remove
from ops.up.home import metrics_folder
from ops.up.process import ProcessGroup, start
from ops.up.running import Running
from ops.up.servers import Stores, prepare
from proof.crash.cases import Case

T = TypeVar("T")

LANES = 4
#: Milliseconds of a lease's life: with it, a case takes seconds. The default is five times as long.
LEASE_MS = 400
#: What makes the processes quick to take over.
SHORT = {"LEASE_MS": str(LEASE_MS), "DRAIN_S": "0.5", "LINGER_MS": "0", "LOG_LEVEL": "INFO"}
#: Seconds for a server or an api to answer.
START_S = 60.0
LOOK_S = 0.01


class CrashRunFailed(OnsaleError):
    """The crash run cannot go on."""

    code = "crash_run_failed"


@dataclass(slots=True)
class Ground:
    """The running system. Make one with `open_ground`."""

    stores: Stores
    settings: LocalSettings
    running: Running
    metrics: Path
    groups: dict[str, ProcessGroup] = field(default_factory=dict)
    _numbers: int = 0

    def begin(self) -> None:
        """Start everything that stands. Raises: CrashRunFailed, and what the preparation raises."""
        for server in self.stores.servers:
            group = self.groups[server.launch.name] = start(server.launch)
            until(partial(server.ready, group.pid), START_S, server.launch.name)
        urls = self.running.database_url, self.running.redis_url
        prepare_stores(*urls, lanes=LANES, admin_email="", admin_password="")
        for process in ("worker", "scheduler", "api"):
            self.groups[process], url = self.launch(process)
        self.running = replace(self.running, base_url=url)

    def launch(self, process: str, crash: str = "") -> tuple[ProcessGroup, str]:
        """Start an api, worker or scheduler; returns its group and, of an api, its address."""
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
        """One more process, armed, until the block ends: then it is killed. Yields its group and address."""
        group, url = self.launch(case.process, f"{case.point}:{case.fault}:{case.nth}:{proof}")
        try:
            yield group, url
        finally:
            group.kill()

    @contextmanager
    def paused(self, name: str) -> Iterator[Callable[[], None]]:
        """A standing process stands still until the block ends, or what is yielded is called."""
        pid = self.groups[name].pid

        def resume() -> None:
            os.killpg(pid, signal.SIGCONT)

        os.killpg(pid, signal.SIGSTOP)
        try:
            yield resume
        finally:
            resume()

    def fallen(self) -> list[str]:
        """What was to stand and does not, in words."""
        return [f"{name} fell: {why}" for name, group in self.groups.items() if (why := group.look())]

    def end(self) -> None:
        """Kill everything, the last started first: the data are thrown away."""
        for group in reversed(self.groups.values()):
            group.kill()


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition. Raises CrashRunFailed."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise CrashRunFailed(f"{what}: not within {timeout_s:.0f} s.")
        time.sleep(LOOK_S)


def answered(ask: Callable[[], T]) -> T:
    """What a question to Postgres gives, asked again while a machine that stands still makes it fail."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            return ask()
        except PostgresUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_S)


@contextmanager
def open_ground() -> Iterator[Ground]:
    """The system, running in a temporary home until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-crash-")).resolve()
    settings = replace(LocalSettings.from_env(), host="127.0.0.1", lanes=LANES, api_processes=1, workers=1)
    try:
        stores = prepare(folder, choice=settings.servers)
        running = Running(
            database_url=stores.database_url,
            redis_url=stores.redis_url,
            broker_url=stores.broker_url,
            jwt_secret="of no use to anybody once the crash run is over",
            base_url="",
        )
        ground = Ground(stores, settings, running, metrics_folder(folder))
        try:
            ground.begin()
            yield ground
        finally:
            ground.end()
    finally:
        remove(folder)
        shutil.rmtree(folder, ignore_errors=True)
