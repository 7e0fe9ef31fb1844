"""One `onsale up` with its own home, for tests from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ops.up.control import ask
from ops.up.folders import remove
from ops.up.process import Member
from proof.kit.environment import without_settings
from proof.kit.waiting import until

PROJECT = Path(__file__).parents[2]
#: The groups of a complete system, in their order.
NAMES = ["postgres", "redis", "broker", "api", "worker-1", "worker-2", "scheduler"]
#: Seconds for a start or an end on a machine whose cores are all busy; on an idle one it takes three.
START_DEADLINE_S = 90.0


class Up:
    """One `onsale up` with its own home."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: variables for `up` and its commands, in addition to this process's."""
        self.home, self.environment = home, dict(environment or {})
        self.log = home.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        self.seen: set[Member] = set()

    def start(self, *options: str) -> None:
        """Start it and wait until it is ready. Raises: TimedOut; AssertionError if it ends instead."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", "up", "--home", str(self.home), "--port", "0", *options],
                cwd=PROJECT,
                env={**without_settings(), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait(lambda: "\nready http" in self.output() or self._ended(), START_DEADLINE_S)
        assert not self._ended(), self.output()

    def output(self) -> str:
        """Return what `up` and its processes have printed."""
        return self.log.read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `onsale` command for this home, to its end."""
        command = [sys.executable, "-m", "ops.cli", *arguments, "--home", str(self.home)]
        return subprocess.run(
            command,
            cwd=PROJECT,
            env={**without_settings(), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def pids(self) -> dict[str, list[int]]:
        """Return the process ids of each running group, leader first."""
        rows: list[dict[str, Any]] = ask(self.home, {"do": "status"})["processes"]
        found = {row["name"]: row["pids"] for row in rows if row["state"] == "running"}
        for pids in found.values():
            for pid in pids:
                with suppress(psutil.NoSuchProcess):  # it may just be dying
                    self.seen.add(Member(pid, psutil.Process(pid).create_time()))
        return found

    def complete(self) -> bool:
        """Return whether every process runs that should, with all forks."""
        found = self.pids()
        forks = {name: len(pids) - 1 for name, pids in found.items()}
        return list(found) == NAMES and forks["api"] == 2 and forks["worker-1"] == forks["worker-2"] == 1

    def wait(self, what: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait for a condition. Raises TimedOut, with what the system has printed."""
        until(what, seconds, lambda: f"a condition of the system that printed\n{self.output()}")

    def stop(self, number: signal.Signals) -> float:
        """Send the signal and return how many seconds the end took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(START_DEADLINE_S)
        return time.monotonic() - begun

    def left(self) -> list[int]:
        """Return which of the processes that `pids` has seen still run."""
        return [member.pid for member in self.seen if member.process() is not None]

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


def running(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Up]:
    """Yield an `up` that is not started yet; it is stopped and its home removed at the end."""
    up = Up(folder / "home", environment)
    try:
        yield up
    finally:
        if up.process is not None and up.process.poll() is None:
            up.stop(signal.SIGTERM)
        remove(up.home)
