"""The system under test, in a separate process (python -m proof.chaos.system): what `onsale up` starts, via proxies.

Each process has its own links to the servers, so that a fault can cut off one worker from Postgres and not the other.
The process reads the home and the links' ports as one line of JSON from standard input. It ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from api.server.listening import listen
from core.local_settings import LocalSettings
from core.logs import configure, logger
from ops.up import control, postgres, programs
from ops.up.command import SERVERS, running_system
from ops.up.folders import Folders, open_folders
from ops.up.home import locked, metrics_folder
from ops.up.leftovers import end_leftovers
from ops.up.process import Launch
from ops.up.running import RunningSystem, remove_state, write_state
from ops.up.servers import ServerSet, prepare_servers
from ops.up.supervisor import Supervisor

LANES = 4
WORKERS = 2
#: The servers that each process connects to. Each of the WORKERS workers has its own links.
LINKS = {
    "api": ("redis", "postgres", "broker"),
    **{f"worker-{number}": ("redis", "postgres", "broker") for number in range(1, WORKERS + 1)},
    "scheduler": ("broker",),
}
#: Final statuses leave Redis soon, so that repeated keys find them gone.
STATUS_TTL_S = 15

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the system runs. `ports`: process -> server -> the link's port on loopback."""

    home: str
    host: str
    port: int
    ports: dict[str, dict[str, int]]

    def to_json(self) -> str:
        """Return the site as one line."""
        return json.dumps(asdict(self))


def server_sockets(home: Path) -> dict[str, Path]:
    """Return the unix sockets on which a home's servers listen, whether or not they exist yet."""
    folders: Folders = open_folders(home)
    port = postgres.OPTIONS["port"]
    return {
        "postgres": folders.sockets / f".s.PGSQL.{port}",
        "redis": folders.sockets / "redis.sock",
        "broker": folders.sockets / "broker.sock",
    }


def through_links(running: RunningSystem, process: str, ports: dict[str, int]) -> RunningSystem:
    """Return the system as one process sees it: servers behind its links, and its own role in Postgres."""
    own = running.api_database_url if process == "api" else running.worker_database_url
    credentials = (own or running.database_url).partition("@")[0]

    def port(server: str) -> int:
        # A server to which the process has no link is unreachable: nothing listens on port 1.
        return ports.get(server, 1)

    return replace(
        running,
        database_url=f"{credentials}@127.0.0.1:{port('postgres')}/{postgres.DATABASE}?sslmode=disable",
        redis_url=f"redis://127.0.0.1:{port('redis')}/0",
        broker_url=f"redis://127.0.0.1:{port('broker')}/0",
    )


class System:
    """The running system: starts its processes, and answers the control socket."""

    def __init__(self, site: Site, stores: ServerSet, supervisor: Supervisor) -> None:
        self._site = site
        self._stores = stores
        self._supervisor = supervisor
        self._home = Path(site.home)
        # As `onsale up`, but without the servers that the environment may name.
        self._settings = replace(
            LocalSettings.from_env(), home=self._home, host=site.host, port=site.port, lanes=LANES, workers=WORKERS,
            api_processes=2, database_url="", redis_url="", broker_url="",
        )  # fmt: skip
        self._apis = 1
        # One listening socket for all apis: the new one and the old one serve together, and no connection is refused.
        self._listener = listen(site.host, site.port)
        self._metrics = metrics_folder(self._home)
        self.running = running_system(self._settings, stores)

    async def serve(self) -> None:
        """Start everything, and wait until the supervisor is told to stop."""
        supervisor = self._supervisor
        supervisor.add(*(server.launch for server in self._stores.servers))
        await supervisor.started(self._stores.servers)
        env = programs.environment(self._settings, self.running, self._metrics)
        running = self.running
        logins = {"API_DATABASE_URL": running.api_database_url, "WORKER_DATABASE_URL": running.worker_database_url}
        await supervisor.step(programs.migrate({**env, **logins}))
        write_state(self._home, self.running)
        supervisor.add(self._api())
        supervisor.add_workers(WORKERS, lambda number: self._worker(number))
        supervisor.add(programs.scheduler(self._env("scheduler")))
        await supervisor.asked_to_stop.wait()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request on the control socket: status, start another api, or end one."""
        if request.get("do") == "add-api":
            self._apis += 1
            launch = replace(self._api(), name=f"api-{self._apis}")
            self._supervisor.add(launch)
            return {"name": launch.name}
        if request.get("do") == "end-api":
            self._supervisor.processes[request["name"]].end(time.monotonic() + request["after_s"])
            return {}
        return self._supervisor.answer({"do": "status"})

    def _env(self, process: str) -> dict[str, str]:
        running = through_links(self.running, process, self._site.ports[process])
        env = programs.environment(self._settings, running, self._metrics)
        return {**env, "STATUS_TTL_S": str(STATUS_TTL_S)}

    def _api(self) -> Launch:
        return programs.api(self._settings, self._env("api"), self._listener.fileno())

    def _worker(self, number: int) -> Launch:
        return programs.worker(self._settings, self._env(f"worker-{number}"), number)


async def _run(site: Site, stores: ServerSet) -> None:
    home = Path(site.home)
    supervisor = Supervisor(home)
    supervisor.obey_signals()
    system = System(site, stores, supervisor)
    control_socket = await control.serve(home, system.answer)
    tasks = [asyncio.create_task(supervisor.watch()), asyncio.create_task(system.serve())]
    try:
        # `serve` returns when the supervisor is told to stop; otherwise only an error ends one of the tasks.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        control_socket.close()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await supervisor.end_all()
    for task in done:
        task.result()


def main() -> None:
    """Run until SIGTERM."""
    site = Site(**json.loads(sys.stdin.readline()))
    configure(process="supervisor", json=False, level="INFO")
    home = Path(site.home)
    with locked(home):
        remove_state(home)
        end_leftovers(home, gently=SERVERS)
        stores = prepare_servers(home, choice=LocalSettings.from_env().servers)
        try:
            asyncio.run(_run(site, stores))
        finally:
            remove_state(home)


if __name__ == "__main__":
    main()
