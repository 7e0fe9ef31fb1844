"""The faults, by name. Each is begun, lasts a while (or is over at once), and is healed.

A name says what is done to what: `kill worker fork`, `stop redis`, `half-open worker-postgres`.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psutil

from ops.up import postgres
from proof.chaos import disk, servers, strangers
from proof.chaos.proxy import Mode
from proof.chaos.scene import Scene, send
from proof.chaos.system import LANES, WORKERS

#: Yields a few words about what was really done; "" means that it did not fire.
Harm = Callable[[Scene, random.Random], AbstractAsyncContextManager[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`lasts`: it is begun, kept up and healed; otherwise it is done in a moment. `alone`: never combined.

    `takes_s`: seconds that doing and healing it take at the most, besides what it lasts. `slow`: what it does shows
    only after some seconds, so that it lasts longer when it comes by itself (proof/chaos/plan.py).
    """

    name: str
    harm: Harm
    lasts: bool = True
    alone: bool = False
    takes_s: float = 2.0
    slow: bool = False
    #: What its recovery is counted from: the end of the fault, or its beginning (others take over).
    from_begin: bool = False


def _worker(draws: random.Random) -> str:
    return f"worker-{draws.randint(1, WORKERS)}"


def _group(name: str, draws: random.Random) -> str:
    return _worker(draws) if name == "worker" else name


# -- processes ----------------------------------------------------------------------------------------------


def _kill(name: str, place: int = 0) -> Fault:
    """kill -9 of a group's leader, or of one of its forks."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        group = _group(name, draws)
        pids = await scene.pids(group)
        yield f"{group} {pids[place]}" if len(pids) > place and send([pids[place]], signal.SIGKILL) else ""

    return Fault(f"kill {name}" + (" fork" if place else ""), harm, lasts=False)


@asynccontextmanager
async def _kill_backend(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """One of Postgres's processes dies: Postgres ends all connections and recovers by itself."""
    pids = [pid for pid in (await scene.family("postgres"))[1:] if _serves(pid)]
    pid = draws.choice(pids) if pids else 0
    yield f"backend {pid}" if pids and send([pid], signal.SIGKILL) else ""


def _serves(pid: int) -> bool:
    """Whether a process of Postgres serves a client: its title has the log-in, and then the database."""
    with suppress(psutil.Error):
        title = " ".join(psutil.Process(pid).cmdline()).split()
        return title[:1] == ["postgres:"] and title[2:3] == [postgres.DATABASE]
    return False


@asynccontextmanager
async def _kill_all(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Restart of everything: kill -9 of every process at once."""
    names = ["scheduler", "api", *(f"worker-{number}" for number in range(1, WORKERS + 1)), "broker"]
    pids = [pid for name in [*names, "redis", "postgres"] for pid in await scene.family(name)]
    yield f"{send(pids, signal.SIGKILL)} processes"


def _stop(name: str) -> Fault:
    """SIGSTOP of a whole group, and SIGCONT: a stopped worker is the zombie that wakes up late."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        group = _group(name, draws)
        pids = await scene.family(group)
        try:
            yield f"{group}" if send(pids, signal.SIGSTOP) else ""
        finally:
            # What was forked meanwhile is not stopped; to continue it is harmless.
            send(pids, signal.SIGCONT)

    return Fault(f"stop {name}", harm, from_begin=name == "worker", slow=name == "broker")


# -- links --------------------------------------------------------------------------------------------------


def _link(what: str, role: str, server: str) -> Fault:
    """A fault of the network between a role and a server: of one worker, or of all of them."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        links = scene.links_of(role, server)
        if len(links) > 1 and draws.random() < 0.5:
            links = [draws.choice(links)]
        before = sum(link.harmed for link in links)
        delay_s = draws.choice((0.05, 0.2, 0.5, 1.0))
        for link in links:
            link.begin(_MODES[what], delay_s=delay_s)
        try:
            yield f"{', '.join(link.name for link in links)}" + (f" {delay_s} s" if what == "delay" else "")
        finally:
            for link in links:
                link.heal()
            assert sum(link.harmed for link in links) >= before

    return Fault(f"{what} {role}-{server}", harm)


_MODES = {
    "cut": Mode.CUT,
    "half-open": Mode.HALF_OPEN,
    "stall": Mode.STALL,
    "delay": Mode.DELAY,
    "lost replies": Mode.LOSE_REPLIES,
}


def _reset(role: str) -> Fault:
    """Every connection of a role is reset once."""

    @asynccontextmanager
    async def harm(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
        links = [link for (process, _), link in scene.links.items() if process.startswith(role)]
        count = sum(link.reset() for link in links)
        yield f"{count} connections" if count else ""

    return Fault(f"reset {role}", harm, lasts=False)


#: Seconds in which a COMMIT comes by.
COMMIT_WITHIN_S = 5.0


@asynccontextmanager
async def _lost_commits(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """COMMIT arrives and is carried out, its answer is lost with the connection."""
    links = scene.links_of("worker", "postgres")
    before = sum(link.commits_lost for link in links)
    for link in links:
        link.begin(Mode.LOSE_COMMITS, commits=draws.randint(1, 6))
    try:
        deadline = asyncio.get_running_loop().time() + COMMIT_WITHIN_S
        while sum(link.commits_lost for link in links) == before and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        lost = sum(link.commits_lost for link in links) - before
        yield f"{lost} or more answers of COMMIT" if lost else ""
    finally:
        for link in links:
            link.heal()


# -- stores -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _doorbells(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """Every lane's doorbell is rung twenty times over."""
    from workers.actors import drain_lane, open_broker

    open_broker(scene.running.broker_url)
    for _ in range(20):
        for lane in range(LANES):
            await asyncio.to_thread(drain_lane.send, lane)
    yield f"{20 * LANES} doorbells"


# -- restarts -----------------------------------------------------------------------------------------------

#: Seconds in which a new process is ready, and in which an old one has done what it was asked.
READY_S, ENDS_S = 30.0, 10.0


@asynccontextmanager
async def _rolling(scene: Scene, draws: random.Random) -> AsyncIterator[str]:
    """A deployment: a new api beside the old one, which then ends in good order; workers, one after the other."""
    old = await scene.group_of("api")
    new = (await scene.ask({"do": "add-api"}))["name"]
    listening = await _within(READY_S, partial(scene.listens, new))
    await scene.ask({"do": "end-api", "name": old, "after_s": ENDS_S})
    for number in range(1, WORKERS + 1):
        name = f"worker-{number}"
        before = await scene.pids(name)
        send(before[:1], signal.SIGTERM)
        await _within(ENDS_S, partial(_replaced, scene, name, before))
    yield f"{old} -> {new}, {WORKERS} workers" if listening else ""


async def _replaced(scene: Scene, name: str, before: list[int]) -> bool:
    """Whether the group runs again, whole, with other processes."""
    now = await scene.pids(name)
    return len(now) == len(before) and not set(now) & set(before)


async def _within(seconds: float, what: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until it is so, for so many seconds at the most; whether it is."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (done := await what()) and loop.time() < deadline:
        await asyncio.sleep(0.1)
    return done


# -- the table ----------------------------------------------------------------------------------------------

PAIRS = [("api", "redis"), ("api", "postgres"), ("api", "broker"),
         ("worker", "redis"), ("worker", "postgres"), ("worker", "broker"), ("scheduler", "broker")]  # fmt: skip
#: Losing a reply of the broker is a doorbell that is sent twice or not at all; cut and half-open show it.
_REPLIES = PAIRS[:2] + PAIRS[3:5]

FAULTS = {
    fault.name: fault
    for fault in [
        *(_kill(name) for name in ("api", "worker", "scheduler", "redis", "postgres", "broker")),
        *(_kill(name, 1) for name in ("api", "worker")),
        Fault("kill postgres backend", _kill_backend, lasts=False),
        Fault("kill everything", _kill_all, lasts=False, alone=True),
        *(_stop(name) for name in ("api", "worker", "scheduler", "redis", "postgres", "broker")),
        *(_link("cut", *pair) for pair in PAIRS),
        *(_link("half-open", *pair) for pair in PAIRS[:6]),
        *(_link("stall", *pair) for pair in _REPLIES),
        *(_link("delay", *pair) for pair in PAIRS[:6]),
        *(_link("lost replies", *pair) for pair in _REPLIES),
        *(_reset(role) for role in ("api", "worker")),
        Fault("lost COMMIT answers", _lost_commits, lasts=False, takes_s=COMMIT_WITHIN_S + 1),
        Fault("full disk redis", disk.full("redis"), alone=True),
        Fault("full disk postgres", disk.full("postgres"), alone=True),
        Fault("full memory redis", servers.full_memory("redis")),
        Fault("full memory broker", servers.full_memory("broker"), slow=True),
        Fault("eaten doorbells", strangers.eaten_doorbells, slow=True),
        Fault("stop worker in its transaction", servers.stop_in_transaction, from_begin=True, slow=True,
              takes_s=servers.FOUND_WITHIN_S + 1),
        Fault("demote postgres", servers.demote_postgres),
        Fault("demote redis", servers.demote_redis),
        Fault("old primary postgres", servers.old_primary_postgres),
        Fault("old primary redis", servers.old_primary_redis),
        Fault("failover redis", servers.failover_redis, lasts=False, alone=True, takes_s=5.0),
        Fault("clock ahead", servers.clock_ahead, lasts=False),
        Fault("doubled doorbells", _doorbells, lasts=False, takes_s=5.0),
        Fault("worker of other lanes", strangers.other_lanes, lasts=False, takes_s=strangers.REFUSED_WITHIN_S + 2),
        Fault("second installation", strangers.second_installation, lasts=False, alone=True,
              takes_s=strangers.MADE_WITHIN_S + strangers.REFUSED_WITHIN_S + 5),
        Fault("rolling restart", _rolling, lasts=False, alone=True, takes_s=READY_S + (WORKERS + 1) * ENDS_S),
    ]
}  # fmt: skip
#: A phase of its own, at the end of a run.
WIPE = "wipe redis"
EVERY = (*FAULTS, WIPE)
