"""`onsale up`: everything on one machine, from the lock of the home to the last process ended.

The order: lock, leftovers of a killed run, servers, schema, then api, workers and scheduler, all in the
foreground. It returns when everything has ended.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from dataclasses import replace

from api.server.listening import listen
from core.addresses import with_driver
from core.local_settings import LocalSettings
from core.logs import logger
from ops.up import control, postgres, programs, welcome
from ops.up.address import base_url, is_ready
from ops.up.folders import empty
from ops.up.home import kept_secrets, locked, metrics_folder
from ops.up.leftovers import end_leftovers
from ops.up.running import Running, remove_state, write_state
from ops.up.servers import Stores, prepare
from ops.up.supervisor import Supervisor, say

SERVERS = frozenset({"postgres", "redis", "broker"})
#: Seconds between two questions whether the api is ready, and until a line says that it is not.
PROBE_S = 0.1
NOT_READY_AFTER_S = 30.0

log = logger(__name__)


def up(settings: LocalSettings) -> None:
    """Run everything until a signal asks for the end. Data of earlier runs are kept, unless `fresh`.

    Raises: ConfigurationError: something is missing, taken or in the way; nothing was started.
            OnsaleError: a server or the schema step failed; everything was ended again.
    """
    # Until the event loop takes over, SIGTERM ends us as Ctrl-C does: no step is left running. And a shell
    # script starts what it puts in the background with SIGINT ignored.
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
        stores = prepare(
            home,
            choice=settings.servers,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            broker_url=settings.broker_url,
        )
        running = describe(settings, stores)
        try:
            asyncio.run(_run(settings, stores, running, listener))
        finally:
            listener.close()
            remove_state(home)


def describe(settings: LocalSettings, stores: Stores) -> Running:
    """Where everything will be. Of a Postgres of our own, api and workers get their own log-ins."""
    kept = kept_secrets(settings.home)
    api_url, worker_url = with_driver(settings.api_database_url), with_driver(settings.worker_database_url)
    if not settings.database_url:
        api_url = postgres.login_url(stores.database_url, "onsale_api", kept.api_password)
        worker_url = postgres.login_url(stores.database_url, "onsale_worker", kept.worker_password)
    return Running(
        database_url=stores.database_url,
        redis_url=stores.redis_url,
        broker_url=stores.broker_url,
        jwt_secret=settings.jwt_secret or kept.jwt_secret,
        base_url=base_url(settings.host, settings.port),
        api_database_url=api_url,
        worker_database_url=worker_url,
    )


async def _run(settings: LocalSettings, stores: Stores, running: Running, listener: socket.socket) -> None:
    """Everything between the first start and the last end."""
    supervisor = Supervisor(settings.home)
    supervisor.obey_signals()
    door = await control.serve(settings.home, supervisor.answer)
    tasks = [
        asyncio.create_task(supervisor.watch()),
        asyncio.create_task(_serve(supervisor, settings, stores, running, listener)),
        asyncio.create_task(supervisor.asked_to_stop.wait()),
    ]
    try:
        # Only a signal, or something that went wrong, ends one of them.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        door.close()
        (settings.home / "run" / control.NAME).unlink(missing_ok=True)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await supervisor.end_all()
    for task in done:
        task.result()


async def _serve(
    supervisor: Supervisor, settings: LocalSettings, stores: Stores, running: Running, listener: socket.socket
) -> None:
    """Start the process list in order, say when it answers, and stay until the end is asked for."""
    supervisor.add(*(server.launch for server in stores.servers))
    await supervisor.started(stores.servers)
    env = programs.environment(settings, running, metrics_folder(settings.home))
    logins = {"API_DATABASE_URL": running.api_database_url, "WORKER_DATABASE_URL": running.worker_database_url}
    # Into a Postgres of our own alone: one that is given may be in production.
    step = programs.schema_step({**env, **logins}, demo=not settings.database_url)
    prepared = json.loads(await supervisor.step(step))
    if prepared["admin_password"]:
        say(welcome.admin(prepared["admin_email"], prepared["admin_password"]))
    write_state(settings.home, running)
    theirs = programs.at(env, running.worker_database_url)
    supervisor.add(programs.api(settings, programs.at(env, running.api_database_url), listener.fileno()))
    supervisor.add_workers(settings.workers, lambda number: programs.worker(settings, theirs, number))
    supervisor.add(programs.scheduler(theirs))
    await _ready(settings)
    say(welcome.ready(running.base_url, prepared["demo_show_id"]))
    await supervisor.asked_to_stop.wait()


async def _ready(settings: LocalSettings) -> None:
    """Wait until the api answers, however long that takes; a line tells when it takes long."""
    loop = asyncio.get_running_loop()
    tell_at = loop.time() + NOT_READY_AFTER_S
    while not await is_ready(settings.host, settings.port):
        if loop.time() >= tell_at:
            log.warning("api_not_ready", port=settings.port, after_s=NOT_READY_AFTER_S)
            tell_at += NOT_READY_AFTER_S
        await asyncio.sleep(PROBE_S)
