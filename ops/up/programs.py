"""How our own processes are started: api, worker, scheduler and migrate, with the names of compose.yaml.

They run in the folder that contains the packages, with the caller's environment and the addresses and settings that
the supervisor chooses.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import ops
from core.local_settings import LocalSettings
from ops.up import control
from ops.up.process import Launch
from ops.up.running import RunningSystem

#: The folder that contains the packages api, core, db, ops and workers.
PROJECT = Path(ops.__file__).resolve().parent.parent

#: Milliseconds that a worker may take to finish its batch after a stop signal. The supervisor waits for less
#: only when the whole system ends.
WORKER_SHUTDOWN_MS = 8_000

#: Dramatiq 2.2.1 reads these at import (dramatiq/worker.py).
DRAMATIQ = {
    # Milliseconds before a consumer that has lost its broker tries again.
    "dramatiq_restart_delay": "500",
}


def environment(settings: LocalSettings, running: RunningSystem, metrics: Path) -> dict[str, str]:
    """Return the environment of our processes: the caller's, with the addresses and secret of this system."""
    ours = {
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "BROKER_URL": running.broker_url,
        "JWT_SECRET": running.jwt_secret,
        "ONSALE_MODE": mode_of(settings),
        "LANES": str(settings.lanes),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    # The caller's environment is only passed on here; core/settings.py reads it.
    callers = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours}
    path = os.pathsep.join(filter(None, [str(PROJECT), callers.get("PYTHONPATH", "")]))
    return {**callers, **ours, "PYTHONPATH": path}


def mode_of(settings: LocalSettings) -> str:
    """Return our processes' mode: servers that we start ourselves are configured safely and used by nobody else."""
    return settings.mode if settings.database_url or settings.redis_url else "local"


def with_database(env: Mapping[str, str], database_url: str) -> dict[str, str]:
    """Return the environment of a process with this DATABASE_URL; "": unchanged."""
    return {**env, "DATABASE_URL": database_url or env["DATABASE_URL"]}


def api(settings: LocalSettings, env: Mapping[str, str], listener: int | None = None) -> Launch:
    """Return how to start the api: granian's master and its API_PROCESSES processes.

    Args: listener: a listening socket's file descriptor. The socket outlives the processes: while they are replaced,
          new connections wait in its queue. None: the api makes its own socket.
    """
    command = (sys.executable, "-m", "api", *(() if listener is None else ("--fd", str(listener))))
    env = {
        **env,
        "HOST": settings.host,
        "PORT": str(settings.port),
        "API_PROCESSES": str(settings.api_processes),
        "SUPERVISOR_SOCKET": env.get("SUPERVISOR_SOCKET", str(settings.home / "run" / control.NAME)),
        # There is no balancer in front that would have to notice first.
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
    """Return how to start a worker: Dramatiq's master and one fork, with a thread per lane and one for others."""
    # fmt: off
    options = (
        "--processes", "1", "--threads", str(settings.lanes + 1),
        "--skip-logging", "--worker-shutdown-timeout", str(WORKER_SHUTDOWN_MS),
    )
    # fmt: on
    command = (sys.executable, "-m", "dramatiq", *options, "workers.main")
    # A doorbell counts as prefetched until its drain ends: with a smaller limit, threads would idle while lanes wait.
    env = {**env, **DRAMATIQ, "dramatiq_queue_prefetch": str(settings.lanes + 1)}
    return Launch(name=f"worker-{number}", command=command, cwd=PROJECT, env=env, forks=1)


def scheduler(env: Mapping[str, str]) -> Launch:
    """Return how to start the scheduler, which only sends messages to actors."""
    command = (sys.executable, "-m", "workers.scheduler")
    return Launch(name="scheduler", command=command, cwd=PROJECT, env=env)


def migrate(env: Mapping[str, str], *, demo: bool = False) -> Launch:
    """Return how to run ops/migrate.py, which prepares the stores and ends; `demo`: also load the demo catalogue."""
    command = (sys.executable, "-m", "ops.migrate", *(["--demo"] if demo else []))
    return Launch(name="migrate", command=command, cwd=PROJECT, env=env)
