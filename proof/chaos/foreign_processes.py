"""Faults by processes that do not belong to the system: a wrong worker, a second installation, a foreign consumer."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import redis

from core.local_settings import LocalSettings
from db.guard import EXIT_CODE
from ops.up import postgres, programs
from ops.up.home import metrics_folder
from proof.chaos.deployment import Deployment, end_process
from proof.chaos.servers import surely
from proof.chaos.system import LANES, through_links
from proof.chaos.unguarded_clients import as_owner
from workers.broker import QUEUE

#: Seconds within which a foreign process must end by itself: its fork ends at once, and Dramatiq's master follows
#: after waiting 30 s for it to boot. And seconds within which a migrate that is not refused is done.
REFUSED_WITHIN_S, MADE_WITHIN_S = 45.0, 20.0
SECOND = "second_installation"


def environment(deployment: Deployment, lanes: int = LANES) -> dict[str, str]:
    """Return the environment of a worker of the system, with this number of lanes."""
    settings = replace(
        LocalSettings.from_env(), home=deployment.home, lanes=lanes, database_url="", redis_url="", broker_url=""
    )
    ports = {server: link.port for (process, server), link in deployment.links.items() if process == "worker-1"}
    running = through_links(deployment.running, "worker-1", ports)
    return programs.environment(settings, running, metrics_folder(deployment.home))


async def refused(deployment: Deployment, what: str, command: tuple[str, ...], env: dict[str, str]) -> str:
    """Start a process, and note if it is not refused. Returns what happened."""
    code = await end_process(deployment.start(command, env), REFUSED_WITHIN_S)
    result = f"still ran after {REFUSED_WITHIN_S:g} s" if code is None else f"ended with {code}"
    if code != EXIT_CODE:
        deployment.unrefused.append(f"{what} {result}, not with {EXIT_CODE}")
    return f"{what} {result}"


@asynccontextmanager
async def other_lanes(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Start a worker with another LANES, which hears the same doorbells."""
    env = environment(deployment, LANES + 1)
    settings = replace(LocalSettings.from_env(), lanes=LANES + 1)
    yield await refused(deployment, f"a worker of {LANES + 1} lanes", programs.worker(settings, env, 9).command, env)


@asynccontextmanager
async def second_installation(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Start the migrate and a worker of an installation with its own database, on this one's Redis."""
    env, running = environment(deployment), deployment.running
    env |= {
        "DATABASE_URL": running.database_url,
        "API_DATABASE_URL": running.api_database_url,
        "WORKER_DATABASE_URL": running.worker_database_url,
    }
    for name in ("DATABASE_URL", "API_DATABASE_URL", "WORKER_DATABASE_URL"):
        env[name] = env[name].replace(f"/{postgres.DATABASE}?", f"/{SECOND}?", 1)
    migrate = programs.migrate(env).command
    settings = replace(LocalSettings.from_env(), lanes=LANES)
    await asyncio.to_thread(as_owner, running.database_url, f"CREATE DATABASE {SECOND}")
    try:
        # First complete the installation with its own Redis.
        apart = {**env, "REDIS_URL": running.broker_url.replace("db=0", "db=5")}
        if await end_process(deployment.start(migrate, apart), MADE_WITHIN_S) == 0:
            worker = {**env, "DATABASE_URL": env["WORKER_DATABASE_URL"]}
            results = await asyncio.gather(
                refused(deployment, "another's migrate", migrate, env),
                refused(deployment, "another's worker", programs.worker(settings, worker, 8).command, worker),
            )
            yield ", ".join(results)
        else:
            yield ""
    finally:
        await surely(lambda: as_owner(running.database_url, f"DROP DATABASE IF EXISTS {SECOND} WITH (FORCE)"))


@asynccontextmanager
async def eaten_doorbells(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Take every doorbell from the broker and drop it, as a worker of another system would."""
    done, eaten = threading.Event(), [0]

    def eat() -> None:
        client = deployment.broker()
        try:
            while not done.is_set():
                with suppress(redis.RedisError):  # the broker may be unavailable
                    if taken := client.blpop([f"dramatiq:{QUEUE}"], timeout=1):
                        client.hdel(f"dramatiq:{QUEUE}.msgs", taken[1])
                        eaten[0] += 1
        finally:
            client.close()

    eater = asyncio.create_task(asyncio.to_thread(eat))
    try:
        yield "every doorbell is taken and dropped"
    finally:
        done.set()
        await eater
