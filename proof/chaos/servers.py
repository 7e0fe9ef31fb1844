"""Faults of the servers themselves: full, demoted, gone back, or with a clock that was ahead.

Each is healed for sure, also if another fault is in the way just then: it is tried until the server takes it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psutil
import psycopg
import redis
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.errors import OnsaleError
from core.operations import StreamId
from db.kv import keys
from db.postgres import fences
from db.postgres.engine import make_engine, transaction
from ops.up import postgres
from ops.up.folders import open_folders
from proof.chaos.evidence import Wipe
from proof.chaos.plain import as_owner
from proof.chaos.scene import Scene, send
from proof.chaos.system import LANES, WORKERS

#: Seconds for which a heal is tried: longer than any fault lasts that may be in its way.
HEAL_S = 90.0
#: Nobody listens at this port of loopback.
NOBODY = 1
#: Of all keys at one instant: key, remaining life in ms (-1: none), value.
SNAPSHOT = """
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  out[#out + 1] = key
  out[#out + 1] = redis.call('PTTL', key)
  out[#out + 1] = redis.call('DUMP', key)
end
return out
"""


async def surely(heal: Callable[[], object]) -> None:
    """Do it in a thread, and again until the server takes it. Raises what it raised last after HEAL_S."""
    deadline = time.monotonic() + HEAL_S
    while True:
        try:
            await asyncio.to_thread(heal)
            return
        except (redis.RedisError, SQLAlchemyError, psycopg.Error, OnsaleError, OSError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


# -- Redis and broker ---------------------------------------------------------------------------------------


def ask(client: redis.Redis, *command: Any) -> Any:
    """One command, and no more of this client."""
    try:
        return client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        client.close()


def full_memory(name: str) -> Callable[[Scene, random.Random], AbstractAsyncContextManager[str]]:
    """A Valkey may use less memory than it does: it refuses every write that needs some."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        client = scene.redis if name == "redis" else scene.broker
        told = ask(client(), "INFO", "memory")
        most = told["maxmemory"]
        try:
            ask(client(), "CONFIG", "SET", "maxmemory", max(1, int(told["used_memory"] * 0.8)))
            yield "maxmemory below what is used"
        finally:
            await surely(lambda: ask(client(), "CONFIG", "SET", "maxmemory", most))

    return harm


@asynccontextmanager
async def demote_redis(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Redis is made the replica of nobody: READONLY for writes, and half of the times MASTERDOWN for reads."""
    stale = draws.choice(("yes", "no"))
    try:
        await asyncio.to_thread(ask, scene.redis(), "CONFIG", "SET", "replica-serve-stale-data", stale)
        await asyncio.to_thread(ask, scene.redis(), "REPLICAOF", "127.0.0.1", NOBODY)
        yield f"READONLY{', MASTERDOWN' * (stale == 'no')}"
    finally:
        await surely(lambda: ask(scene.redis(), "REPLICAOF", "NO", "ONE"))
        await surely(lambda: ask(scene.redis(), "CONFIG", "SET", "replica-serve-stale-data", "yes"))


@asynccontextmanager
async def old_primary_redis(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """The way to Redis leads to another one for a while, which answers MASTERDOWN and READONLY.

    Afterwards it runs on: who holds on to a connection of that time is never served again.
    """
    path = open_folders(scene.home).sockets / "old.sock"
    if not path.exists():
        [program] = {psutil.Process(pid).exe() for pid in (await scene.pids("redis"))[:1]} or {""}
        options = {"port": 0, "unixsocket": path, "dir": path.parent, "save": "", "replica-serve-stale-data": "no"}
        named = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        scene.start([program, *named, "--replicaof", "127.0.0.1", str(NOBODY), "--loglevel", "warning"])
        for _ in range(100):
            if path.exists():
                break
            await asyncio.sleep(0.05)
    links = [link for role in ("api", "worker") for link in scene.links_of(role, "redis")]
    usual = [link.upstream for link in links]
    try:
        for link in links:
            link.upstream = path
            link.reset()
        yield f"{len(links)} links" if path.exists() else ""
    finally:
        for link, upstream in zip(links, usual, strict=True):
            link.upstream = upstream


@asynccontextmanager
async def failover_redis(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Redis is as it was a moment ago, as after a failover to a replica that lacks the last writes.

    Not while ids of a lane are ahead of the clock: the same would be given again; docs/reliability.md does not claim
    to survive that.
    """
    if scene.ahead:
        yield ""
        return
    back_to = time.time()
    found = await asyncio.to_thread(ask, scene.redis(decode=False), "EVAL", SNAPSHOT, 0)
    await asyncio.sleep(draws.uniform(0.5, 1.5))
    begun = time.time()
    # What was done before an error may have been done: the oracle must know.
    scene.went_back.append(Wipe(begun, begun, back_to))
    await asyncio.to_thread(go_back, scene.redis(decode=False), found)
    await asyncio.to_thread(ask, scene.redis(), "CLIENT", "KILL", "TYPE", "normal")
    scene.went_back[-1] = Wipe(begun, time.time(), back_to)
    yield f"{len(found) // 3} keys of {time.time() - back_to:.1f} s ago"


def go_back(client: redis.Redis, found: list[Any]) -> None:
    """Put the keys of a SNAPSHOT in the place of those that are there, at one instant. Closes the client."""
    try:
        pipe = client.pipeline(transaction=True)
        pipe.flushdb()
        for key, life_ms, value in zip(found[::3], found[1::3], found[2::3], strict=True):
            pipe.restore(key, max(0, life_ms), value)
        pipe.execute()
    finally:
        client.close()


@asynccontextmanager
async def clock_ahead(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Redis's clock was some minutes ahead while a lane got an entry: its next ids stay ahead until time is there.

    One lane of a run; whatever else is done to Redis, its journal goes on from there.
    """
    lane = min(scene.ahead, default=draws.randrange(LANES))
    seconds = draws.choice((120, 300))
    now_s, _ = await asyncio.to_thread(ask, scene.redis(), "TIME")
    last = (await asyncio.to_thread(ask, scene.redis(), "XINFO STREAM", keys.lane(lane)))["last-generated-id"]
    ahead_ms = (int(now_s) + seconds) * 1000
    if ahead_ms <= StreamId.parse(last).ms:  # ids never go back
        yield f"lane {lane} is further ahead"
        return
    scene.ahead.add(lane)
    await asyncio.to_thread(ask, scene.redis(), "XSETID", keys.lane(lane), f"{ahead_ms}-0")
    yield f"lane {lane}, {seconds} s"


# -- Postgres -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def demote_postgres(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Postgres is read-only for everybody, and then no longer."""
    try:
        await asyncio.to_thread(
            as_owner, scene.running.database_url, "ALTER SYSTEM SET default_transaction_read_only = on"
        )
        told = send((await scene.pids("postgres"))[:1], signal.SIGHUP)
        yield "every transaction is read-only" if told else ""
    finally:
        await surely(lambda: as_owner(scene.running.database_url, "ALTER SYSTEM RESET default_transaction_read_only"))
        send((await scene.pids("postgres"))[:1], signal.SIGHUP)


@asynccontextmanager
async def old_primary_postgres(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Every session of api and workers ends, and the new ones are read-only for as long as they are kept."""
    logins = tuple(postgres.LOGINS.values())
    try:
        read_only = [f"ALTER ROLE {login} SET default_transaction_read_only = on" for login in logins]
        await asyncio.to_thread(as_owner, scene.running.database_url, *read_only)
        backends = [pid for pid in await scene.family("postgres") if sessions([pid], *logins)]
        yield f"{send(backends, signal.SIGTERM)} sessions ended"
    finally:
        reset = [f"ALTER ROLE {login} RESET default_transaction_read_only" for login in logins]
        await surely(lambda: as_owner(scene.running.database_url, *reset))


def sessions(pids: list[int], *logins: str) -> dict[int, str]:
    """Of Postgres's processes, those that serve these log-ins, and what each does: told by their titles."""
    found = {}
    for pid in pids:
        try:
            title = " ".join(psutil.Process(pid).cmdline()).split()
        except psutil.Error:
            continue
        if title[:1] == ["postgres:"] and title[1:2] and title[1] in logins:
            found[pid] = " ".join(title[4:])
    return found


#: Seconds for which a worker is looked for that is in a transaction; and how long a session must be in one to be of
#: the worker that stands still: the others' are over sooner.
FOUND_WITHIN_S, STANDS_S, LOOKS = 10.0, 0.4, 4


@asynccontextmanager
async def stop_in_transaction(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """SIGSTOP of a worker whose transaction has the lane's row: nobody else can decide until Postgres ends it."""
    deadline = asyncio.get_running_loop().time() + FOUND_WITHIN_S
    engine = make_engine(scene.running.database_url, pool_size=1)
    try:
        while asyncio.get_running_loop().time() < deadline:
            group = f"worker-{draws.randint(1, WORKERS)}"
            pids = await scene.family(group)
            send(pids, signal.SIGSTOP)
            try:
                if await asyncio.to_thread(_holds_a_row, engine):
                    yield f"{group}, which holds a lane's row"
                    return
            finally:
                send(pids, signal.SIGCONT)
            await asyncio.sleep(draws.uniform(0.02, 0.1))
        yield ""
    finally:
        engine.dispose()


def _holds_a_row(engine: Engine) -> bool:
    """Whether one transaction has a lane's row, look after look, for longer than one that is at work."""
    held: set[tuple[int, float]] | None = None
    for _ in range(LOOKS):
        with transaction(engine) as connection:
            found = fences.holders(connection)
        held = found if held is None else held & found
        if not held:
            return False
        time.sleep(STANDS_S / LOOKS)
    return True
