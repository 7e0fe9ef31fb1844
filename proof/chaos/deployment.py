"""A deployment of the system under test: its links, its process, and access to its parts for faults and oracle."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from core.errors import OnsaleError
from db.kv import lanes
from db.kv.lanes import LaneState
from ops.up.address import is_ready
from ops.up.control import ask
from ops.up.home import is_locked
from ops.up.process import follow
from ops.up.programs import PROJECT
from ops.up.running import RunningSystem, find_running
from proof.chaos.evidence import Wipe
from proof.chaos.proxy import Link
from proof.chaos.system import LANES, LINKS, Site, server_sockets
from proof.chaos.unguarded_clients import valkey

HOST = "127.0.0.1"
START_DEADLINE_S = 60.0
END_DEADLINE_S = 20.0


class NoSystem(OnsaleError):
    """The system under test did not start."""

    code = "no_system"


class Deployment:
    """One system under test. Use it as an async context manager, which ends everything that it started."""

    def __init__(self, home: Path, log: Path, seed: int) -> None:
        self.home = home
        self.log = log
        sockets = server_sockets(home)
        self.links = {
            (process, server): Link(f"{process}-{server}", sockets[server], seed)
            for process, servers in LINKS.items()
            for server in servers
        }
        self.port = _free_port()
        #: Lanes whose ids were set ahead of the clock; when Redis was set back to an earlier state; and foreign
        #: processes that were not refused.
        self.ahead: set[int] = set()
        self.went_back: list[Wipe] = []
        self.unrefused: list[str] = []
        self._extra: list[subprocess.Popen[bytes]] = []
        self.running: RunningSystem
        self._child: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Deployment:
        for link in self.links.values():
            await link.open()
        ports: dict[str, dict[str, int]] = {}
        for (process, server), link in self.links.items():
            ports.setdefault(process, {})[server] = link.port
        site = Site(home=str(self.home), host=HOST, port=self.port, ports=ports)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "proof.chaos.system"],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=follow(signal.SIGTERM),
            )
        assert self._child.stdin is not None
        self._child.stdin.write(site.to_json().encode() + b"\n")
        self._child.stdin.close()
        try:
            await self._started()
        except BaseException:  # cancellation too: the child must not outlive us
            await self.end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self) -> None:
        """End the system, the processes started next to it, and the links. Safe to repeat."""
        child, self._child = self._child, None
        while self._extra:
            await end_process(self._extra.pop())
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(child.wait, END_DEADLINE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for link in self.links.values():
            await link.close()

    async def _started(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_DEADLINE_S
        while not (is_locked(self.home) and (self.home / "run" / "state.json").exists()):
            self._check(loop.time() < deadline)
            await asyncio.sleep(0.05)
        self.running = find_running(self.home)
        while not await self.answers():
            self._check(loop.time() < deadline)
            await asyncio.sleep(0.1)

    def _check(self, in_time: bool) -> None:
        if not in_time or self._child is None or self._child.poll() is not None:
            end = self.log.read_text(errors="replace")[-2_000:]
            raise NoSystem(f"The system under test did not start. The end of its log:\n{end}")

    async def answers(self) -> bool:
        """Return whether the api is ready."""
        return await is_ready(HOST, self.port)

    # -- its parts --------------------------------------------------------------------------------------

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request to the supervisor's control socket."""
        return await asyncio.to_thread(ask, self.home, request)

    async def pids(self, name: str) -> list[int]:
        """Return the process ids of a running group, leader first; empty if it is not running.

        `api` is the api that is running, whatever its number.
        """
        rows = (await self.ask({"do": "status"}))["processes"]
        for row in rows:
            same = row["name"] == name or (name == "api" and row["name"].startswith("api"))
            if same and row["state"] == "running":
                return list(row["pids"])
        return []

    async def group_of(self, name: str) -> str:
        """Return the name of the running group whose name begins with `name`; `name` itself if there is none."""
        rows = (await self.ask({"do": "status"}))["processes"]
        return next((row["name"] for row in rows if row["name"].startswith(name) and row["state"] == "running"), name)

    async def listens(self, name: str) -> bool:
        """Return whether every fork of an api accepts connections."""
        forks = (await self.pids(name))[1:]
        found = 0
        for pid in forks:
            with suppress(psutil.Error):
                sockets = psutil.Process(pid).net_connections("tcp")
                found += any(each.status == psutil.CONN_LISTEN for each in sockets)
        return bool(forks) and found == len(forks)

    async def family(self, name: str) -> list[int]:
        """Return all processes of a group, Postgres's own children among them."""
        found = await self.pids(name)
        with suppress(psutil.Error):
            if found:
                found += [child.pid for child in psutil.Process(found[0]).children(recursive=True)]
        return sorted(set(found))

    def redis(self, *, decode: bool = True) -> Redis:
        """Return a client of Redis that goes past the links. Close it."""
        return valkey(self.running.redis_url, decode=decode)

    def broker(self) -> Redis:
        """Return a client of the broker that goes past the links. Close it."""
        return valkey(self.running.broker_url, decode=False)

    def start(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a process next to the system, in its own group; it ends with the deployment at the latest."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=follow(signal.SIGTERM),
            )
        self._extra.append(process)
        return process

    def lanes(self) -> list[LaneState]:
        """Return the state of every lane. Raises: redis-py's errors."""
        client = self.redis()
        try:
            pipe = client.pipeline(transaction=False)
            for command in lanes.overview_commands(LANES):
                pipe.execute_command(*command)  # type: ignore[no-untyped-call]
            return lanes.overview(pipe.execute())
        finally:
            client.close()

    def links_of(self, role: str, server: str) -> list[Link]:
        """Return the links of a role to a server: those of all workers for `worker`."""
        return [link for (process, to), link in self.links.items() if process.startswith(role) and to == server]


async def end_process(process: subprocess.Popen[bytes], after_s: float = 0.0) -> int | None:
    """Wait for a process to end, and return its exit code; after `after_s` seconds kill its group and return None."""
    try:
        return await asyncio.to_thread(process.wait, after_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        return None


def send(pids: list[int], number: signal.Signals) -> int:
    """Send a signal to processes, some of which may be gone. Returns how many got it."""
    reached = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            reached += 1
    return reached


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
