"""`onsale up`: runs the whole system on one machine, in the foreground, until a signal.

In order: lock the home, end what a killed run left, start the servers, migrate, start api, workers and scheduler.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from dataclasses import replace

from api.pages import are_built
from api.server.listening import listen
from core.addresses import with_driver
from core.local_settings import LocalSettings
from core.logs import logger
from core.worker_limit import most_workers
from ops.up import control, postgres, programs, welcome
from ops.up.address import base_url, is_ready
from ops.up.folders import empty
from ops.up.home import kept_secrets, locked, metrics_folder
from ops.up.leftovers import end_leftovers
from ops.up.running import RunningSystem, remove_state, write_state
from ops.up.servers import ServerSet, prepare_servers
from ops.up.supervisor import Supervisor, say

SERVERS = frozenset({"postgres", "redis", "broker"})
#: Seconds between two readiness checks of the api, and between warnings that it is not ready yet.
PROBE_S = 0.1
NOT_READY_AFTER_S = 30.0

log = logger(__name__)


def up(settings: LocalSettings) -> None:
    """Run everything until a signal requests the end. Data of earlier runs are kept, unless `fresh`.

    Raises: ConfigurationError: a program is missing, or the home, its data or the port cannot be used; nothing was
            started.   OnsaleError: a server or the migration failed; everything was ended again.
    """
    # Until the event loop takes over, let SIGTERM end us like Ctrl-C, so that no child is left running. Set SIGINT
    # too: a shell script starts its background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    home = settings.home.resolve()
    with locked(home):
        remove_state(home)
        if ended := end_leftovers(home, gently=SERVERS):
            log.warning("leftovers_ended", pids=ended)
        listener = listen(settings.host, settings.port)
        settings = replace(settings, home=home, port=listener.getsockname()[1])
        if settings.fresh:
            empty(home)
        servers = prepare_servers(
            home,
            choice=settings.servers,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            broker_url=settings.broker_url,
        )
        system = running_system(settings, servers)
        try:
            asyncio.run(_supervise(settings, servers, system, listener))
        finally:
            listener.close()
            remove_state(home)


def running_system(settings: LocalSettings, servers: ServerSet) -> RunningSystem:
    """Return the addresses of the system. On our own Postgres, api and workers get their own login roles."""
    kept = kept_secrets(settings.home)
    api_url, worker_url = with_driver(settings.api_database_url), with_driver(settings.worker_database_url)
    if not settings.database_url:
        api_url = postgres.login_url(servers.database_url, "onsale_api", kept.api_password)
        worker_url = postgres.login_url(servers.database_url, "onsale_worker", kept.worker_password)
    return RunningSystem(
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        broker_url=servers.broker_url,
        jwt_secret=settings.jwt_secret or kept.jwt_secret,
        base_url=base_url(settings.host, settings.port),
        api_database_url=api_url,
        worker_database_url=worker_url,
        mode=programs.mode_of(settings),
    )


async def _supervise(
    settings: LocalSettings, servers: ServerSet, system: RunningSystem, listener: socket.socket
) -> None:
    """Start everything, keep it running until the end is requested, and end it."""
    supervisor = Supervisor(settings.home)
    supervisor.obey_signals()
    control_server = await control.serve(settings.home, supervisor.answer)
    tasks = [
        asyncio.create_task(supervisor.watch()),
        asyncio.create_task(_start(supervisor, settings, servers, system, listener)),
        asyncio.create_task(supervisor.asked_to_stop.wait()),
    ]
    try:
        # Only a signal or an error ends one of them.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        control_server.close()
        (settings.home / "run" / control.NAME).unlink(missing_ok=True)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await supervisor.end_all()
    for task in done:
        task.result()


async def _start(
    supervisor: Supervisor,
    settings: LocalSettings,
    servers: ServerSet,
    system: RunningSystem,
    listener: socket.socket,
) -> None:
    """Start all processes in order, print the welcome when the api is ready, and wait until the end is requested."""
    supervisor.add(*(server.launch for server in servers.servers))
    await supervisor.started(servers.servers)
    env = programs.environment(settings, system, metrics_folder(settings.home))
    logins = {"API_DATABASE_URL": system.api_database_url, "WORKER_DATABASE_URL": system.worker_database_url}
    # Load the demo only into our own Postgres: an external one may be in production.
    step = programs.migrate({**env, **logins}, demo=not settings.database_url)
    migrated = json.loads(await supervisor.step(step))
    if migrated["admin_password"]:
        say(welcome.admin(migrated["admin_email"], migrated["admin_password"]))
    write_state(settings.home, system)
    worker_env = programs.with_database(env, system.worker_database_url)
    supervisor.add(programs.api(settings, programs.with_database(env, system.api_database_url), listener.fileno()))
    most = most_workers(migrated["connections"], settings.api_processes, settings.lanes)
    supervisor.add_workers(settings.workers, lambda number: programs.worker(settings, worker_env, number), most)
    supervisor.add(programs.scheduler(worker_env))
    await _await_ready(settings)
    say(welcome.ready(system.base_url, migrated["demo_show_id"], pages_built=are_built()))
    await supervisor.asked_to_stop.wait()


async def _await_ready(settings: LocalSettings) -> None:
    """Wait until the api is ready, without a time limit; log a warning now and then."""
    loop = asyncio.get_running_loop()
    warn_at = loop.time() + NOT_READY_AFTER_S
    while not await is_ready(settings.host, settings.port):
        if loop.time() >= warn_at:
            log.warning("api_not_ready", port=settings.port, after_s=NOT_READY_AFTER_S)
            warn_at += NOT_READY_AFTER_S
        await asyncio.sleep(PROBE_S)
