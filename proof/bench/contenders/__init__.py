"""The contenders: rival designs with the same schema, validation, HTTP server and server settings.

`launches` returns the processes of each. Only one contender runs at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from core.local_settings import LocalSettings
from ops.up import programs
from ops.up.process import Launch

#: HTTP contenders in the order of a round.
HTTP = ("sync", "message", "celery", "onsale", "hello")
#: Threads per worker that decide bookings, in the contenders with a queue. Celery gets half as many processes.
QUEUE_THREADS = 4
#: Threads of each of their api processes; each one waits for a transaction, or for Redis.
API_THREADS = 32


def launches(name: str, settings: LocalSettings, env: Mapping[str, str]) -> list[Launch]:
    """Return the processes of a contender, in the order in which they start."""
    if name == "onsale":
        workers = [programs.worker(settings, env, number) for number in range(1, settings.workers + 1)]
        return [programs.api(settings, env), *workers, programs.scheduler(env)]
    module = "celery_app" if name == "celery" else name
    api = _flask(settings, env, f"proof.bench.contenders.{module}:create_app")
    if name == "message":
        return [api, *(_dramatiq(settings, env, number) for number in range(1, settings.workers + 1))]
    if name == "celery":
        return [api, _celery(settings, env)]
    return [api]


def _flask(settings: LocalSettings, env: Mapping[str, str], app: str) -> Launch:
    """Return the same HTTP server for a plain Flask application: WSGI, on threads."""
    # fmt: off
    command = (
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory",
        "--host", settings.host, "--port", str(settings.port), "--http", "1",
        "--workers", str(settings.api_processes), "--blocking-threads", str(API_THREADS),
        "--backlog", "4096", "--no-ws", "--no-access-log", "--log-level", "error",
        "--workers-kill-timeout", "2", "--respawn-failed-workers", app,
    )
    # fmt: on
    return replace(programs.api(settings, env), command=command)


def _dramatiq(settings: LocalSettings, env: Mapping[str, str], number: int) -> Launch:
    launch = programs.worker(settings, env, number)
    threads = launch.command.index("--threads") + 1
    command = [*launch.command[:-1], "proof.bench.contenders.message_worker"]
    command[threads] = str(QUEUE_THREADS)
    # Dramatiq's own prefetch: twice the threads.
    return replace(launch, command=tuple(command), env={**env, **programs.DRAMATIQ})


def _celery(settings: LocalSettings, env: Mapping[str, str]) -> Launch:
    # fmt: off
    command = (
        sys.executable, "-m", "celery", "--quiet", "-A", "proof.bench.contenders.celery_worker:queue", "worker",
        "--concurrency", str(settings.workers * QUEUE_THREADS // 2), "--loglevel", "ERROR",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    )
    # fmt: on
    # Celery's command would use BROKER_URL itself; C_FORCE_ROOT silences its warning about running as root.
    env = {name: value for name, value in env.items() if name != "BROKER_URL"}
    return Launch(name="worker-1", command=command, cwd=programs.PROJECT, env={**env, "C_FORCE_ROOT": "1"})
