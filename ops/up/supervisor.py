"""The supervisor: starts the process list in order, keeps every group alive, and ends it in order.

One thread only: groups are started from it, the kernel ties their lives to it (process.py), and a fork with
other threads about is unsafe. Everything waits on one event loop, so a signal is obeyed at any moment.
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
from ops.up.leftovers import record
from ops.up.process import Launch, adopt_orphans, kill_orphans, start
from ops.up.servers import Server
from ops.up.supervised import Supervised

#: Seconds between two looks at all groups.
TICK_S = 0.1
#: Seconds between two looks while somebody waits for a change.
WAIT_S = 0.02
#: Seconds until all are killed who have not ended: the api and the scheduler, the workers, the servers. The
#: last one is what a stop may take altogether, and leaves a second of ten for the killing.
FRONT_ENDS_S, WORKERS_END_S, SERVERS_END_S = 2.5, 6.0, 9.0
#: Seconds for a worker that is no longer wanted to finish its batch.
WORKER_ENDS_S = 8.5
#: Starts in a row after which a server is held to be broken while the system starts.
SERVER_ATTEMPTS = 4
MOST_WORKERS = 64
#: The process list, as compose.yaml and the README have it.
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

    def obey_signals(self) -> None:
        """Ctrl-C and SIGTERM (and a closed terminal) ask for the end; the second one kills at once."""
        adopt_orphans()
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        # `nohup onsale up` stays when its terminal is closed.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled, number)

    def add(self, *launches: Launch) -> None:
        """Put processes on the list; `watch` starts them."""
        for launch in launches:
            self.processes[launch.name] = Supervised(launch)

    def add_workers(self, count: int, make: Callable[[int], Launch]) -> None:
        """Put worker-1 to worker-`count` on the list; `make` is also how `scale` adds more."""
        self._make_worker = make
        self.add(*(make(number) for number in range(1, count + 1)))

    async def watch(self) -> None:
        """Keep everything on the list alive, for ever. Cancel it before `end_all`."""
        while True:
            self._tick()
            await asyncio.sleep(TICK_S)

    async def started(self, servers: Iterable[Server]) -> None:
        """Wait until all servers answer. Raises OnsaleError if one dies again and again."""
        for server in servers:
            process = self.processes[server.launch.name]
            while process.group is None or not server.ready(process.group.pid):
                if process.restarts >= SERVER_ATTEMPTS:
                    raise OnsaleError(f"{server.launch.name} does not start; its own lines above say why.")
                await asyncio.sleep(WAIT_S)

    async def step(self, launch: Launch) -> bytes:
        """Run a short-lived process to its end and return its output. Cancelling kills it.

        Raises OnsaleError if it fails; it has said why itself.
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
        """Answer one request of the control socket. Raises ConfigurationError if it makes no sense."""
        if request.get("do") == "scale":
            self.scale(request.get("worker"))
        elif request.get("do") != "status":
            raise ConfigurationError('Ask for {"do": "status"} or {"do": "scale", "worker": 4}.')
        return {"processes": [_row(name, process) for name, process in self._listed()]}

    def scale(self, count: object) -> None:
        """Have `count` workers. New ones start at once; surplus ones finish their batch first."""
        if type(count) is not int or not 0 <= count <= MOST_WORKERS or self._make_worker is None:
            raise ConfigurationError(f"The number of workers must be 0 to {MOST_WORKERS}, once all is started.")
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
        """End everything in order, within SERVERS_END_S seconds; a second signal kills at once."""
        for process in self.processes.values():
            process.unwant()
        begun = time.monotonic()
        workers = [name for name in self.processes if name.startswith("worker-")]
        await self._end(["scheduler", "api"], begun + FRONT_ENDS_S)
        await self._end(workers, begun + WORKERS_END_S)
        await self._end(ORDER[2::-1], begun + SERVERS_END_S)
        # Every group has gone with its forks; what is left are children whose own parent is no more.
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
                # A full disk is no reason to end what still runs.
                log.error("record_failed", error=str(error))
            kill_orphans(self._helpers | {group.pid for group in groups})
        for name in [name for name, process in self.processes.items() if process.over]:
            if name.startswith("worker-"):
                del self.processes[name]

    def _listed(self) -> list[tuple[str, Supervised]]:
        """All processes in the order of the list: a worker added later stands before the scheduler."""

        def place(item: tuple[str, Supervised]) -> tuple[int, int]:
            kind, _, number = item[0].partition("-")
            return ORDER.index(kind), int(number or 0)

        return sorted(self.processes.items(), key=place)

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
        "restarts": process.restarts,
        "since": process.since.isoformat(timespec="milliseconds"),
    }


def say(text: str) -> None:
    """Print a line for the person who started us; a terminal that was closed is no reason to fail."""
    with suppress(OSError):
        print(text, file=sys.stdout, flush=True)
