"""Our own processes and how they are started: api, worker and scheduler, the names of compose.yaml.

They run from the folder that holds the packages, whatever the caller's, with the caller's environment and
what the supervisor knows better.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import ops
from core.local_settings import LocalSettings
from ops.up.process import Launch
from ops.up.running import Running

#: The folder that holds api, core, db, local and workers.
PROJECT = Path(ops.__file__).resolve().parent.parent

#: Milliseconds a worker may take to finish its batch when asked to end; the supervisor's patience is less
#: only when the whole system ends.
WORKER_SHUTDOWN_MS = 8_000

#: Dramatiq 2.2.1 reads these at import (dramatiq/worker.py).
DRAMATIQ = {
    # Milliseconds before a consumer whose broker went away tries again.
    "dramatiq_restart_delay": "500",
}


def environment(settings: LocalSettings, running: Running, metrics: Path) -> dict[str, str]:
    """The environment of our processes: the caller's, and the addresses and secret of this system."""
    ours = {
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "BROKER_URL": running.broker_url,
        "JWT_SECRET": running.jwt_secret,
        # On servers that we start ourselves all is as it must be, and nobody else is there.
        "ONSALE_MODE": settings.mode if settings.database_url or settings.redis_url else "local",
        "LANES": str(settings.lanes),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    # The caller's environment is passed on, not read: reading it is core/settings.py's alone.
    callers = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours}
    path = os.pathsep.join(filter(None, [str(PROJECT), callers.get("PYTHONPATH", "")]))
    return {**callers, **ours, "PYTHONPATH": path}


def at(env: Mapping[str, str], database_url: str) -> dict[str, str]:
    """The environment of a process that finds Postgres at an address of its own; "": where all do."""
    return {**env, "DATABASE_URL": database_url or env["DATABASE_URL"]}


def api(settings: LocalSettings, env: Mapping[str, str], listener: int | None = None) -> Launch:
    """The HTTP side: granian's master and its API_PROCESSES workers.

    Args: listener: a listening socket of ours. It outlives them: while they are replaced, new connections wait in
          its queue. None: the api makes its own.
    """
    command = (sys.executable, "-m", "api", *(() if listener is None else ("--fd", str(listener))))
    env = {
        **env,
        "HOST": settings.host,
        "PORT": str(settings.port),
        "API_PROCESSES": str(settings.api_processes),
        # No balancer is in front, and the supervisor does not wait for one.
        "LEAVE_S": "0",
    }
    return Launch(
        name="api",
        command=command,
        cwd=PROJECT,
        env=env,
        forks=settings.api_processes,
        replaces=True,
        files=() if listener is None else (listener,),
    )


def worker(settings: LocalSettings, env: Mapping[str, str], number: int) -> Launch:
    """One worker: Dramatiq's master and its one fork. A thread per lane, and one for other actors."""
    # fmt: off
    options = (
        "--processes", "1", "--threads", str(settings.lanes + 1),
        "--skip-logging", "--worker-shutdown-timeout", str(WORKER_SHUTDOWN_MS),
    )
    # fmt: on
    command = (sys.executable, "-m", "dramatiq", *options, "workers.main")
    # A doorbell counts as fetched until its drain is over: with fewer, threads would idle beside rung lanes.
    env = {**env, **DRAMATIQ, "dramatiq_queue_prefetch": str(settings.lanes + 1)}
    return Launch(name=f"worker-{number}", command=command, cwd=PROJECT, env=env, forks=1)


def scheduler(env: Mapping[str, str]) -> Launch:
    """The clock: it only sends actors."""
    command = (sys.executable, "-m", "workers.scheduler")
    return Launch(name="scheduler", command=command, cwd=PROJECT, env=env)


def schema_step(env: Mapping[str, str], *, demo: bool = False) -> Launch:
    """The step that brings the schema up to date, and ends (schema.py); with `demo` it loads the demo catalogue."""
    command = (sys.executable, "-m", "ops.migrate", *(["--demo"] if demo else []))
    return Launch(name="migrate", command=command, cwd=PROJECT, env=env)
