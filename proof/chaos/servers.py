"""Faults of the servers themselves: full memory, demotion, an old state, or a clock that was ahead.

Healing is retried until the server accepts it, in case another fault is in the way.
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
from proof.chaos.deployment import Deployment, send
from proof.chaos.evidence import Wipe
from proof.chaos.system import LANES, WORKERS
from proof.chaos.unguarded_clients import as_owner

#: Seconds for which healing is retried: longer than any fault that may be in its way.
HEAL_S = 90.0
#: A port of loopback on which nothing listens.
NOBODY = 1
#: A script that returns all keys at one instant: key, time to live in milliseconds (-1: no expiry), value.
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
    """Call `heal` in a thread until it succeeds. After HEAL_S seconds its last error is raised."""
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
    """Send one command, and close the client."""
    try:
        return client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        client.close()


def full_memory(name: str) -> Callable[[Deployment, random.Random], AbstractAsyncContextManager[str]]:
    """Return the fault that sets maxmemory below what a server uses: it refuses every write that needs memory."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        client = deployment.redis if name == "redis" else deployment.broker
        memory = ask(client(), "INFO", "memory")
        most = memory["maxmemory"]
        try:
            ask(client(), "CONFIG", "SET", "maxmemory", max(1, int(memory["used_memory"] * 0.8)))
            yield "maxmemory below what is used"
        finally:
            await surely(lambda: ask(client(), "CONFIG", "SET", "maxmemory", most))

    return harm


@asynccontextmanager
async def demote_redis(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Make Redis a replica without a master: READONLY for writes, and half of the times MASTERDOWN for reads."""
    stale = draws.choice(("yes", "no"))
    try:
        await asyncio.to_thread(ask, deployment.redis(), "CONFIG", "SET", "replica-serve-stale-data", stale)
        await asyncio.to_thread(ask, deployment.redis(), "REPLICAOF", "127.0.0.1", NOBODY)
        yield f"READONLY{', MASTERDOWN' * (stale == 'no')}"
    finally:
        await surely(lambda: ask(deployment.redis(), "REPLICAOF", "NO", "ONE"))
        await surely(lambda: ask(deployment.redis(), "CONFIG", "SET", "replica-serve-stale-data", "yes"))


@asynccontextmanager
async def old_primary_redis(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Connect the links to another Redis for a while, which answers MASTERDOWN and READONLY.

    It keeps running afterwards: a process that keeps a connection of that time is never served again.
    """
    path = open_folders(deployment.home).sockets / "old.sock"
    if not path.exists():
        [program] = {psutil.Process(pid).exe() for pid in (await deployment.pids("redis"))[:1]} or {""}
        options = {"port": 0, "unixsocket": path, "dir": path.parent, "save": "", "replica-serve-stale-data": "no"}
        named = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        deployment.start([program, *named, "--replicaof", "127.0.0.1", str(NOBODY), "--loglevel", "warning"])
        for _ in range(100):
            if path.exists():
                break
            await asyncio.sleep(0.05)
    links = [link for role in ("api", "worker") for link in deployment.links_of(role, "redis")]
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
async def failover_redis(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Set Redis back to its state of a moment ago, as after a failover to a replica that lacks the last writes.

    It does not fire while a lane's ids are ahead of the clock: the same ids would be given again, which
    docs/reliability.md does not claim to survive.
    """
    if deployment.ahead:
        yield ""
        return
    back_to = time.time()
    found = await asyncio.to_thread(ask, deployment.redis(decode=False), "EVAL", SNAPSHOT, 0)
    await asyncio.sleep(draws.uniform(0.5, 1.5))
    begun = time.time()
    # Note it before it happens: if the call fails, it may still have been carried out, and the oracle must know.
    deployment.went_back.append(Wipe(begun, begun, back_to))
    await asyncio.to_thread(go_back, deployment.redis(decode=False), found)
    await asyncio.to_thread(ask, deployment.redis(), "CLIENT", "KILL", "TYPE", "normal")
    deployment.went_back[-1] = Wipe(begun, time.time(), back_to)
    yield f"{len(found) // 3} keys of {time.time() - back_to:.1f} s ago"


def go_back(client: redis.Redis, found: list[Any]) -> None:
    """Replace all keys by those of a SNAPSHOT, atomically. Closes the client."""
    try:
        pipe = client.pipeline(transaction=True)
        pipe.flushdb()
        for key, life_ms, value in zip(found[::3], found[1::3], found[2::3], strict=True):
            pipe.restore(key, max(0, life_ms), value)
        pipe.execute()
    finally:
        client.close()


@asynccontextmanager
async def clock_ahead(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Set a lane's ids some minutes ahead, as if Redis's clock had been wrong when the lane got an entry.

    Later ids stay ahead until the clock has reached them. Only one lane per run is affected; its journal continues
    from there, whatever else is done to Redis.
    """
    lane = min(deployment.ahead, default=draws.randrange(LANES))
    seconds = draws.choice((120, 300))
    now_s, _ = await asyncio.to_thread(ask, deployment.redis(), "TIME")
    last = (await asyncio.to_thread(ask, deployment.redis(), "XINFO STREAM", keys.lane(lane)))["last-generated-id"]
    ahead_ms = (int(now_s) + seconds) * 1000
    if ahead_ms <= StreamId.parse(last).ms:  # ids never go back
        yield f"lane {lane} is further ahead"
        return
    deployment.ahead.add(lane)
    await asyncio.to_thread(ask, deployment.redis(), "XSETID", keys.lane(lane), f"{ahead_ms}-0")
    yield f"lane {lane}, {seconds} s"


# -- Postgres -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def demote_postgres(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Make every transaction of Postgres read-only for a while."""
    try:
        await asyncio.to_thread(
            as_owner, deployment.running.database_url, "ALTER SYSTEM SET default_transaction_read_only = on"
        )
        reloaded = send((await deployment.pids("postgres"))[:1], signal.SIGHUP)
        yield "every transaction is read-only" if reloaded else ""
    finally:
        await surely(
            lambda: as_owner(deployment.running.database_url, "ALTER SYSTEM RESET default_transaction_read_only")
        )
        send((await deployment.pids("postgres"))[:1], signal.SIGHUP)


@asynccontextmanager
async def old_primary_postgres(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """End every session of api and workers; the new ones are read-only for as long as they are kept."""
    roles = tuple(postgres.LOGINS.values())
    try:
        read_only = [f"ALTER ROLE {role} SET default_transaction_read_only = on" for role in roles]
        await asyncio.to_thread(as_owner, deployment.running.database_url, *read_only)
        backends = [pid for pid in await deployment.family("postgres") if sessions([pid], *roles)]
        yield f"{send(backends, signal.SIGTERM)} sessions ended"
    finally:
        reset = [f"ALTER ROLE {role} RESET default_transaction_read_only" for role in roles]
        await surely(lambda: as_owner(deployment.running.database_url, *reset))


def sessions(pids: list[int], *roles: str) -> dict[int, str]:
    """Return those of Postgres's processes that serve these roles, and what each does, from their titles."""
    found = {}
    for pid in pids:
        try:
            title = " ".join(psutil.Process(pid).cmdline()).split()
        except psutil.Error:
            continue
        if title[:1] == ["postgres:"] and title[1:2] and title[1] in roles:
            found[pid] = " ".join(title[4:])
    return found


#: Seconds for which a worker inside a transaction is sought. A session that holds a lane's row in each of LOOKS
#: checks within STANDS_S seconds belongs to the stopped worker: the transactions of others end sooner.
FOUND_WITHIN_S, STANDS_S, LOOKS = 10.0, 0.4, 4


@asynccontextmanager
async def stop_in_transaction(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Stop a worker whose transaction holds a lane's row: no other can decide until Postgres ends its session."""
    deadline = asyncio.get_running_loop().time() + FOUND_WITHIN_S
    engine = make_engine(deployment.running.database_url, pool_size=1)
    try:
        while asyncio.get_running_loop().time() < deadline:
            group = f"worker-{draws.randint(1, WORKERS)}"
            pids = await deployment.family(group)
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
    """Return whether one transaction holds a lane's row in every check, longer than a running batch would."""
    held: set[tuple[int, float]] | None = None
    for _ in range(LOOKS):
        with transaction(engine) as connection:
            found = fences.holders(connection)
        held = found if held is None else held & found
        if not held:
            return False
        time.sleep(STANDS_S / LOOKS)
    return True
