"""The faults, by name. Each one begins, lasts for a while (or is over at once), and is healed.

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
from proof.chaos import disk, foreign_processes, servers
from proof.chaos.deployment import Deployment, send
from proof.chaos.proxy import Mode
from proof.chaos.system import LANES, WORKERS

#: A fault as a context manager that yields a few words about what was done; "" means that it did not fire.
Harm = Callable[[Deployment, random.Random], AbstractAsyncContextManager[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    lasts: it begins, is kept up and is healed; otherwise it is instant.   alone: it is never combined with others.
    takes_s: seconds that doing and healing it take at most, not counting how long it lasts.
    slow: its effects take seconds to show, so it lasts longer when it occurs by itself (proof/chaos/plan.py).
    """

    name: str
    harm: Harm
    lasts: bool = True
    alone: bool = False
    takes_s: float = 2.0
    slow: bool = False
    #: Measure recovery from the beginning of the fault, since others take over; otherwise from its end.
    from_begin: bool = False


def _worker(draws: random.Random) -> str:
    return f"worker-{draws.randint(1, WORKERS)}"


def _group(name: str, draws: random.Random) -> str:
    return _worker(draws) if name == "worker" else name


# -- processes ----------------------------------------------------------------------------------------------


def _kill(name: str, place: int = 0) -> Fault:
    """Return the fault that kills a group's leader, or one of its forks, with SIGKILL."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        group = _group(name, draws)
        pids = await deployment.pids(group)
        yield f"{group} {pids[place]}" if len(pids) > place and send([pids[place]], signal.SIGKILL) else ""

    return Fault(f"kill {name}" + (" fork" if place else ""), harm, lasts=False)


@asynccontextmanager
async def _kill_backend(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Kill one of Postgres's backends: Postgres then ends all connections and recovers by itself."""
    pids = [pid for pid in (await deployment.family("postgres"))[1:] if _serves(pid)]
    pid = draws.choice(pids) if pids else 0
    yield f"backend {pid}" if pids and send([pid], signal.SIGKILL) else ""


def _serves(pid: int) -> bool:
    """Return whether a process of Postgres serves a client: its title names the role, and then the database."""
    with suppress(psutil.Error):
        title = " ".join(psutil.Process(pid).cmdline()).split()
        return title[:1] == ["postgres:"] and title[2:3] == [postgres.DATABASE]
    return False


@asynccontextmanager
async def _kill_all(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Kill every process with SIGKILL, all at once."""
    names = ["scheduler", "api", *(f"worker-{number}" for number in range(1, WORKERS + 1)), "broker"]
    pids = [pid for name in [*names, "redis", "postgres"] for pid in await deployment.family(name)]
    yield f"{send(pids, signal.SIGKILL)} processes"


def _stop(name: str) -> Fault:
    """Return the fault that stops a whole group with SIGSTOP. A stopped worker is the zombie that wakes up late."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        group = _group(name, draws)
        pids = await deployment.family(group)
        try:
            yield f"{group}" if send(pids, signal.SIGSTOP) else ""
        finally:
            send(pids, signal.SIGCONT)

    return Fault(f"stop {name}", harm, from_begin=name == "worker", slow=name == "broker")


# -- links --------------------------------------------------------------------------------------------------


def _link(what: str, role: str, server: str) -> Fault:
    """Return a network fault between a role and a server; of workers, it hits one or all of them."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        links = deployment.links_of(role, server)
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
    """Return the fault that resets every connection of a role once."""

    @asynccontextmanager
    async def harm(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
        links = [link for (process, _), link in deployment.links.items() if process.startswith(role)]
        count = sum(link.reset() for link in links)
        yield f"{count} connections" if count else ""

    return Fault(f"reset {role}", harm, lasts=False)


#: Seconds to wait for a COMMIT.
COMMIT_WITHIN_S = 5.0


@asynccontextmanager
async def _lost_commits(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Lose the answers of COMMITs: each is carried out, and its connection is reset before the answer arrives."""
    links = deployment.links_of("worker", "postgres")
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
async def _doorbells(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Ring every lane's doorbell twenty times."""
    from workers.actors import drain_lane, open_broker

    open_broker(deployment.running.broker_url)
    for _ in range(20):
        for lane in range(LANES):
            await asyncio.to_thread(drain_lane.send, lane)
    yield f"{20 * LANES} doorbells"


# -- restarts -----------------------------------------------------------------------------------------------

#: Seconds for a new process to be ready, and for an old one to shut down.
READY_S, ENDS_S = 30.0, 10.0


@asynccontextmanager
async def _rolling(deployment: Deployment, draws: random.Random) -> AsyncIterator[str]:
    """Deploy: start a new api next to the old one, which then shuts down gracefully; restart workers one by one."""
    old = await deployment.group_of("api")
    new = (await deployment.ask({"do": "add-api"}))["name"]
    listening = await _within(READY_S, partial(deployment.listens, new))
    await deployment.ask({"do": "end-api", "name": old, "after_s": ENDS_S})
    for number in range(1, WORKERS + 1):
        name = f"worker-{number}"
        before = await deployment.pids(name)
        send(before[:1], signal.SIGTERM)
        await _within(ENDS_S, partial(_replaced, deployment, name, before))
    yield f"{old} -> {new}, {WORKERS} workers" if listening else ""


async def _replaced(deployment: Deployment, name: str, before: list[int]) -> bool:
    """Return whether the group runs again, complete, with new processes."""
    now = await deployment.pids(name)
    return len(now) == len(before) and not set(now) & set(before)


async def _within(seconds: float, what: Callable[[], Awaitable[bool]]) -> bool:
    """Wait for a condition, for `seconds` at most. Returns whether it holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (done := await what()) and loop.time() < deadline:
        await asyncio.sleep(0.1)
    return done


# -- the table ----------------------------------------------------------------------------------------------

PAIRS = [("api", "redis"), ("api", "postgres"), ("api", "broker"),
         ("worker", "redis"), ("worker", "postgres"), ("worker", "broker"), ("scheduler", "broker")]  # fmt: skip
#: Not the broker: a lost reply of it is a doorbell sent twice or not at all, which cut and half-open cover.
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
        Fault("eaten doorbells", foreign_processes.eaten_doorbells, slow=True),
        Fault("stop worker in its transaction", servers.stop_in_transaction, from_begin=True, slow=True,
              takes_s=servers.FOUND_WITHIN_S + 1),
        Fault("demote postgres", servers.demote_postgres),
        Fault("demote redis", servers.demote_redis),
        Fault("old primary postgres", servers.old_primary_postgres),
        Fault("old primary redis", servers.old_primary_redis),
        Fault("failover redis", servers.failover_redis, lasts=False, alone=True, takes_s=5.0),
        Fault("clock ahead", servers.clock_ahead, lasts=False),
        Fault("doubled doorbells", _doorbells, lasts=False, takes_s=5.0),
        Fault("worker of other lanes", foreign_processes.other_lanes, lasts=False,
              takes_s=foreign_processes.REFUSED_WITHIN_S + 2),
        Fault("second installation", foreign_processes.second_installation, lasts=False, alone=True,
              takes_s=foreign_processes.MADE_WITHIN_S + foreign_processes.REFUSED_WITHIN_S + 5),
        Fault("rolling restart", _rolling, lasts=False, alone=True, takes_s=READY_S + (WORKERS + 1) * ENDS_S),
    ]
}  # fmt: skip
#: A separate phase at the end of a run.
WIPE = "wipe redis"
EVERY = (*FAULTS, WIPE)
