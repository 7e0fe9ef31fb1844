"""One schedule: its seed decides who goes on at each turn, and what goes wrong."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import Random
from typing import Any
from unittest import mock

import redis

from api.bookings import intake
from db.kv import keys
from proof.kit import clock
from proof.simulator.baton import Fate
from proof.simulator.cast import TROUBLE, Clients, Process
from proof.simulator.ground import HOLD_MS, LANES, Ground
from proof.simulator.oracle import Oracle
from workers import batch, drain, expire, republish, sweep

ACTIONS, MOST_TURNS = 14, 900
#: Chances per turn.
FAULT, FAIL, CRASH, WIPING = 0.08, 0.02, 0.01, 0.2
#: Of a worker that has nothing else to do, after a wipe.
REPUBLISHING = 0.5


class Play:
    """Plays one seed. `story`: what happened, a line per turn."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.rng = Random(seed)
        self.oracle = Oracle()
        self.story: list[str] = []
        self.bells: list[int] = []
        self.clock_s = 0.0
        self._ground = ground
        self._ahead_ms = 0
        self._wipe_at = self.rng.randrange(30, 200) if self.rng.random() < WIPING else 0
        self._actions = ACTIONS
        shows = ground.fresh(int(time.time() * 1000))
        names = ("api 0", "api 1", "worker 0", "worker 1", "scheduler")
        self.processes = [Process(ground, name, number, self._ring) for number, name in enumerate(names)]
        wanted = shows if self.rng.random() < 0.3 else [self.rng.choice(shows)]  # mostly all want the same
        self._clients = Clients(self.rng, wanted, ground.labels, self.oracle)
        self._set_clock(0)

    def run(self) -> list[str]:
        """The violations that the schedule has shown; [] if there are none."""
        with self._seams():
            for turn in range(1, MOST_TURNS):
                if turn == self._wipe_at:
                    self._wipe()
                self._turn()
                if not self._actions and not any(process.jobs for process in self.processes[:2]):
                    break
            self._heal()
        return self.oracle.check(self._ground)

    # -- turns ------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self.clock_s += 0.05
        if self.rng.random() < FAULT:
            self._fault()
        awake = []
        for process in self.processes:
            for what, job in list(process.jobs.items()):
                job.sleeps = max(0, job.sleeps - 1)
                if not job.sleeps:
                    awake.append((process, what))
        begin = self.rng.random() < 0.25
        if awake and not begin:
            self._go_on(*self.rng.choice(awake))
        else:
            self._begin(self.rng.choice(self.processes))

    def _begin(self, process: Process) -> None:
        """A process that has nothing to do of some kind begins it."""
        api = process.name.startswith("api")
        if api and "request" not in process.jobs and self._actions:
            self._actions -= 1
            what, work = self._clients.action(process.service)
            self._tell(process, f"a client: {what}")
            process.begin("request", work)
        elif process.name == "scheduler" and "expire" not in process.jobs:
            process.begin("expire", lambda: expire.run_once(process.stores, self._ring))
        elif process.name.startswith("worker"):
            self._begin_worker(process)

    def _begin_worker(self, process: Process) -> None:
        if self.bells and "drain" not in process.jobs:
            lane = self.bells.pop(self.rng.randrange(len(self.bells)))
            self._tell(process, f"gets the doorbell of lane {lane}")
            process.begin("drain", lambda: drain.drain(process.stores, lane, self._ring))
        elif self.oracle.wiped and "republish" not in process.jobs and self.rng.random() < REPUBLISHING:
            process.begin("republish", lambda: _republish(process))
        elif "sweep" not in process.jobs:
            process.begin("sweep", lambda: sweep.run_once(process.stores, self._rescue(process)))

    def _go_on(self, process: Process, what: str) -> None:
        """One job goes on to its next point; or is failed there; or its process crashes, with all its jobs."""
        dice, job = self.rng.random(), process.jobs[what]
        if dice < CRASH:
            self._tell(
                process, f"crashes; {', '.join(f'{each.name} at {each.at}' for each in process.jobs.values())}"
            )
            for each in process.jobs.values():
                each.resume(Fate.CRASH)
            process.restart()
            return
        fate = Fate.FAIL if dice < CRASH + FAIL else Fate.GO
        self._tell(process, f"{what} {fate.value} at {job.at}")
        job.resume(fate)
        self._bury(process, what)

    def _bury(self, process: Process, what: str) -> None:
        job = process.jobs[what]
        if job.ended:
            del process.jobs[what]
            if job.error is not None and not (what == "sweep" and isinstance(job.error, redis.RedisError)):
                self.oracle.violations.append(f"{job.name} raised {job.error!r}")

    # -- faults -----------------------------------------------------------------------------------------

    def _fault(self) -> None:
        faults = [self._lapse, self._lose_bell, self._double_bell, self._pass_time, self._sleep, self._sleep]
        self.rng.choice(faults)()

    def _lapse(self) -> None:
        self._ground.client.delete(keys.REPUBLISHING)
        for lane in range(LANES):
            if self._ground.client.delete(keys.lease(lane)):
                self.story.append(f"the lease of lane {lane} lapses")

    def _lose_bell(self) -> None:
        if self.bells:
            self.story.append(f"the doorbell of lane {self.bells.pop()} is lost")

    def _double_bell(self) -> None:
        if self.bells:
            self.bells.append(self.bells[0])

    def _pass_time(self) -> None:
        self.story.append("the time of a hold passes")
        self._set_clock(self._ahead_ms + 2 * HOLD_MS)

    def _set_clock(self, ahead_ms: int) -> None:
        """Set Redis's clock, for its scripts and for whoever asks it for the time."""
        self._ahead_ms = ahead_ms
        for process in self.processes:
            rounds: Any = process.stores.rounds
            rounds.ahead_ms = ahead_ms
        clock.set_ahead(self._ground.client, ahead_ms)

    def _sleep(self) -> None:
        """A job sleeps longer than any lease; in the middle of a batch if there is one."""
        jobs = [job for process in self.processes for job in process.jobs.values()]
        batches = [job for job in jobs if job.at in ("before COMMIT", "after COMMIT", "before finish.lua")]
        if jobs:
            job = self.rng.choice(batches or jobs)
            job.sleeps = self.rng.randint(20, 120)
            self.story.append(f"{job.name} sleeps at {job.at} for {job.sleeps} turns")
            self._lapse()

    def _wipe(self) -> None:
        self.story.append("Redis loses everything")
        self._ground.client.flushdb()
        self._set_clock(self._ahead_ms)  # that is not lost
        self.oracle.wiped = True

    # -- the end ----------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Nothing fails any more: jobs end, wiped requests are repeated, lanes are drained, holds expire."""
        for process in self.processes:
            for what in list(process.jobs):
                while what in process.jobs:
                    self.clock_s += 0.05
                    process.jobs[what].resume()
                    self._bury(process, what)
        if self.oracle.wiped:
            for asked in self.oracle.asked.values():
                self._clients.book(self.processes[0].service, asked)
        self._drain_all()
        for _ in range(10):
            if not expire.run_once(self.processes[4].stores, self._ring):
                return
            self._drain_all()
        self.oracle.violations.append("I9 lapsed holds do not expire")

    def _drain_all(self) -> None:
        for _ in range(100):
            for lane in range(LANES):
                self._ground.client.delete(keys.lease(lane))
            if not sweep.run_once(self.processes[2].stores, self._rescue(self.processes[2])):
                return

    def _rescue(self, process: Process) -> Callable[[int], object]:
        """A rescue of one batch, in the sweeper's own thread: the schedule decides what comes between."""
        return lambda lane: sweep.rescue(process.stores, lane, self._ring, for_s=0)

    def _ring(self, lane: int) -> None:
        self.bells.append(lane)

    def _tell(self, process: Process, what: str) -> None:
        self.story.append(f"{process.name} {what}")

    @contextmanager
    def _seams(self) -> Iterator[None]:
        """The product's clock, broker, chance and alarms are the schedule's."""
        clock = mock.Mock(monotonic=lambda: self.clock_s, sleep=lambda seconds: None)
        chance = mock.Mock(shuffle=self.rng.shuffle, spec=random)
        with ExitStack() as stack:
            for module, name, stand_in in (
                (drain, "time", clock),
                (sweep, "random", chance),
                *((module, "log", self._alarms()) for module in (drain, batch, sweep, expire, intake)),
            ):
                stack.enter_context(mock.patch.object(module, name, stand_in))
            yield

    def _alarms(self) -> mock.Mock:
        """A log whose errors are violations: none of them may happen, whatever else does."""

        def alarm(event: str, **values: Any) -> None:
            self.oracle.violations.append(f"alarm: {event} {values}")

        return mock.Mock(error=alarm, exception=alarm)


def _republish(process: Process) -> None:
    """What a worker's republisher does at each tick; trouble with a store is tried again."""
    with suppress(*TROUBLE, redis.RedisError):
        republish.run_once(process.stores)
