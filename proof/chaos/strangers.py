"""Neighbours that do not fit, and one that takes what is not his: started beside the system under test."""

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
from proof.chaos.plain import as_owner
from proof.chaos.scene import Scene, end_process
from proof.chaos.servers import surely
from proof.chaos.system import LANES, through_links
from workers.broker import QUEUE

#: Seconds within which a process that does not fit must have ended by itself: its fork ends at once, and Dramatiq's
#: master waits 30 s for it to boot before it follows. And within which a migrate that is refused nothing is done.
REFUSED_WITHIN_S, MADE_WITHIN_S = 45.0, 20.0
SECOND = "second_installation"


def environment(scene: Scene, lanes: int = LANES) -> dict[str, str]:
    """What a worker of the system would get, with so many lanes."""
    settings = replace(
        LocalSettings.from_env(), home=scene.home, lanes=lanes, database_url="", redis_url="", broker_url=""
    )
    ports = {server: link.port for (process, server), link in scene.links.items() if process == "worker-1"}
    running = through_links(scene.running, "worker-1", ports)
    return programs.environment(settings, running, metrics_folder(scene.home))


async def refused(scene: Scene, what: str, command: tuple[str, ...], env: dict[str, str]) -> str:
    """Start it and note if it is not refused. Returns what came of it."""
    code = await end_process(scene.start(command, env), REFUSED_WITHIN_S)
    came = f"still ran after {REFUSED_WITHIN_S:g} s" if code is None else f"ended with {code}"
    if code != EXIT_CODE:
        scene.unrefused.append(f"{what} {came}, not with {EXIT_CODE}")
    return f"{what} {came}"


@asynccontextmanager
async def other_lanes(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """A worker that counts another number of lanes hears the same doorbells."""
    env = environment(scene, LANES + 1)
    settings = replace(LocalSettings.from_env(), lanes=LANES + 1)
    yield await refused(scene, f"a worker of {LANES + 1} lanes", programs.worker(settings, env, 9).command, env)


@asynccontextmanager
async def second_installation(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """An installation with a database of its own is pointed at this one's Redis: its migrate, and a worker."""
    env, running = environment(scene), scene.running
    env |= {
        "DATABASE_URL": running.database_url,
        "API_DATABASE_URL": running.api_database_url,
        "WORKER_DATABASE_URL": running.worker_database_url,
    }
    for name in ("DATABASE_URL", "API_DATABASE_URL", "WORKER_DATABASE_URL"):
        env[name] = env[name].replace(f"/{postgres.DATABASE}?", f"/{SECOND}?", 1)
    migrate = programs.schema_step(env).command
    settings = replace(LocalSettings.from_env(), lanes=LANES)
    await asyncio.to_thread(as_owner, running.database_url, f"CREATE DATABASE {SECOND}")
    try:
        # It is made whole with a Redis of its own first.
        apart = {**env, "REDIS_URL": running.broker_url.replace("db=0", "db=5")}
        if await end_process(scene.start(migrate, apart), MADE_WITHIN_S) == 0:
            worker = {**env, "DATABASE_URL": env["WORKER_DATABASE_URL"]}
            came = await asyncio.gather(
                refused(scene, "another's migrate", migrate, env),
                refused(scene, "another's worker", programs.worker(settings, worker, 8).command, worker),
            )
            yield ", ".join(came)
        else:
            yield ""
    finally:
        await surely(lambda: as_owner(running.database_url, f"DROP DATABASE IF EXISTS {SECOND} WITH (FORCE)"))


@asynccontextmanager
async def eaten_doorbells(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Somebody else takes the doorbells and drops them: a worker elsewhere, or an api that rings elsewhere."""
    done, eaten = threading.Event(), [0]

    def eat() -> None:
        client = scene.broker()
        try:
            while not done.is_set():
                with suppress(redis.RedisError):  # the broker may be away
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
