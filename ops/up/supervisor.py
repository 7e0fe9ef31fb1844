"""The supervisor: starts the processes in order, keeps every process group alive, and ends them in order.

It has one thread: the kernel ends the groups when the thread that started them ends (process.py), and forking with
other threads running is unsafe. Everything waits on one event loop, so signals are handled at any time.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError, OnsaleError
from core.logs import logger
from core.worker_limit import MOST_WORKERS
from ops.up.leftovers import record
from ops.up.process import Launch, adopt_orphans, kill_orphans, start
from ops.up.servers import Server
from ops.up.supervised import Supervised

#: Seconds between two checks of all groups, and between two checks while waiting for a change.
TICK_S, WAIT_S = 0.1, 0.02
#: Seconds from the start of a stop until those that have not ended are killed: the api and the scheduler, the
#: workers, the servers. A stop may take ten seconds in all, so the last one leaves a second for killing.
FRONT_ENDS_S, WORKERS_END_S, SERVERS_END_S = 2.5, 6.0, 9.0
#: Seconds that a surplus worker has to finish its batch after `scale`.
WORKER_ENDS_S = 8.5
#: Restarts of a server after which the system's start fails.
SERVER_ATTEMPTS = 4
#: The order of the processes, as in compose.yaml and the README.
ORDER = ("postgres", "redis", "broker", "api", "worker", "scheduler")

log = logger(__name__)


class Supervisor:
    """Keeps the processes of one home alive, from `watch` to `end_all`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.processes: dict[str, Supervised] = {}
        self.asked_to_stop = asyncio.Event()
        self._hurry = False
        self._helpers: set[int] = set()
        self._make_worker: Callable[[int], Launch] | None = None
        self._most_workers = MOST_WORKERS

    def obey_signals(self) -> None:
        """Make Ctrl-C, SIGTERM and a closed terminal request the end; a second signal kills at once."""
        adopt_orphans()
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        # `nohup onsale up` keeps running when its terminal is closed.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled, number)

    def add(self, *launches: Launch) -> None:
        """Add processes to the list; `watch` starts them."""
        for launch in launches:
            self.processes[launch.name] = Supervised(launch)

    def add_workers(self, count: int, make: Callable[[int], Launch], most: int = MOST_WORKERS) -> None:
        """Add worker-1 to worker-`count` to the list; `scale` adds more with `make`, up to `most`."""
        self._make_worker, self._most_workers = make, max(most, count)
        self.add(*(make(number) for number in range(1, count + 1)))

    async def watch(self) -> None:
        """Keep everything on the list alive until cancelled. Cancel it before `end_all`."""
        while True:
            self._tick()
            await asyncio.sleep(TICK_S)

    async def started(self, servers: Iterable[Server]) -> None:
        """Wait until all servers accept connections. Raises OnsaleError if one dies repeatedly."""
        for server in servers:
            process = self.processes[server.launch.name]
            while process.group is None or not server.ready(process.group.pid):
                if process.restarts >= SERVER_ATTEMPTS:
                    raise OnsaleError(f"{server.launch.name} does not start; see its messages above.")
                await asyncio.sleep(WAIT_S)

    async def step(self, launch: Launch) -> bytes:
        """Run a short-lived process to its end and return its output. Cancellation kills it.

        Raises OnsaleError if it fails; the process has printed the reason.
        """
        group = start(launch, keep_output=True)
        self._helpers.add(group.pid)
        try:
            while not group.ended():
                await asyncio.sleep(WAIT_S)
        finally:
            code = group.kill()
            self._helpers.discard(group.pid)
        output = group.output()
        if code != 0:
            raise OnsaleError(f"The step {launch.name} failed (exit code {code}).")
        return output

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request from the control socket. Raises ConfigurationError if it is not valid."""
        if request.get("do") == "scale":
            self.scale(request.get("worker"))
        elif request.get("do") != "status":
            raise ConfigurationError('Send {"do": "status"} or {"do": "scale", "worker": 4}.')
        rows = [_row(name, process) for name, process in self._listed()]
        return {"processes": rows, "most_workers": self._most_workers}

    def scale(self, count: object) -> None:
        """Set the number of workers; surplus ones finish their batch first. Raises ConfigurationError."""
        if self._make_worker is None:
            raise ConfigurationError("The system is still starting; scale it when it is ready.")
        if type(count) is not int or not 0 <= count <= self._most_workers:
            raise ConfigurationError(
                f"The number of workers must be 0 to {self._most_workers}: for more, Postgres lacks connections."
            )
        for number in range(1, MOST_WORKERS + 1):
            name = f"worker-{number}"
            process = self.processes.get(name)
            if number > count and process is not None:
                process.end(time.monotonic() + WORKER_ENDS_S)
            elif number <= count and process is None:
                self.add(self._make_worker(number))
            elif number <= count and process is not None:
                process.want()
        log.info("scaled", worker=count)

    async def end_all(self) -> None:
        """End everything in order; after SERVERS_END_S seconds, or at a second signal, kill what is left."""
        for process in self.processes.values():
            process.unwant()
        begun = time.monotonic()
        workers = [name for name in self.processes if name.startswith("worker-")]
        await self._end(["scheduler", "api"], begun + FRONT_ENDS_S)
        await self._end(workers, begun + WORKERS_END_S)
        await self._end(ORDER[2::-1], begun + SERVERS_END_S)
        # All groups have ended; what is left are descendants whose parent has died.
        while kill_orphans(set()):
            await asyncio.sleep(WAIT_S)
        log.info("stopped", after_s=round(time.monotonic() - begun, 2))

    async def _end(self, names: Iterable[str], kill_at: float) -> None:
        ending = [self.processes[name] for name in names if name in self.processes]
        for process in ending:
            process.end(kill_at)
        while any(process.group for process in ending):
            if self._hurry:
                for process in self.processes.values():
                    process.end(0.0)
            self._tick()
            await asyncio.sleep(WAIT_S)

    def _tick(self) -> None:
        changed = [name for name, process in self.processes.items() if process.tick()]
        if changed:
            groups = [process.group for process in self.processes.values() if process.group]
            try:
                record(self.home, groups)
            except OSError as error:
                # A full disk must not end running processes.
                log.error("record_failed", error=str(error))
            kill_orphans(self._helpers | {group.pid for group in groups})
        for name in [name for name, process in self.processes.items() if process.over]:
            if name.startswith("worker-"):
                del self.processes[name]

    def _listed(self) -> list[tuple[str, Supervised]]:
        """Return all processes in ORDER; a worker that was added later also comes before the scheduler."""

        def position(item: tuple[str, Supervised]) -> tuple[int, int]:
            kind, _, number = item[0].partition("-")
            return ORDER.index(kind), int(number or 0)

        return sorted(self.processes.items(), key=position)

    def _signalled(self, number: signal.Signals) -> None:
        if self.asked_to_stop.is_set():
            self._hurry = True
        else:
            log.info("stopping", signal=number.name)
        self.asked_to_stop.set()


def _row(name: str, process: Supervised) -> dict[str, Any]:
    return {
        "name": name,
        "pids": process.pids(),
        "state": process.state.value,
        "wanted": process.wanted,
        "restarts": process.restarts,
        "since": process.since.isoformat(timespec="milliseconds"),
    }


def say(text: str) -> None:
    """Print a text for the person who started us; do not fail if the terminal was closed."""
    with suppress(OSError):
        print(text, file=sys.stdout, flush=True)
