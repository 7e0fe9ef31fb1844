"""One schedule: its seed decides which job runs at each turn, and what fails."""

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
from proof.simulator.fixture import HOLD_MS, LANES, Fixture
from proof.simulator.jobs import Fate
from proof.simulator.oracle import Oracle
from proof.simulator.processes import TROUBLE, Clients, Process
from workers import batch, drain, expire, record, republish, sweep

#: Actions of the clients in a schedule, and max turns.
ACTIONS, MOST_TURNS = 14, 900
#: Probabilities per turn of a fault, of a store's error and of a crash; and per schedule of a wipe.
FAULT, FAIL, CRASH, WIPING = 0.08, 0.02, 0.01, 0.2
#: Probability that a worker without a doorbell republishes, after a wipe.
REPUBLISHING = 0.5


class Schedule:
    """The schedule of one seed. `trace`: what has happened, a line per step."""

    def __init__(self, fixture: Fixture, seed: int) -> None:
        self.rng = Random(seed)
        self.oracle = Oracle()
        self.trace: list[str] = []
        self.bells: list[int] = []
        self.clock_s = 0.0
        self._fixture = fixture
        self._ahead_ms = 0
        self._wipe_at = self.rng.randrange(30, 200) if self.rng.random() < WIPING else 0
        self._actions = ACTIONS
        shows = fixture.fresh(int(time.time() * 1000))
        names = ("api 0", "api 1", "worker 0", "worker 1", "scheduler")
        self.processes = [Process(fixture, name, number, self._ring) for number, name in enumerate(names)]
        wanted = shows if self.rng.random() < 0.3 else [self.rng.choice(shows)]  # usually all book the same show
        self._clients = Clients(self.rng, wanted, fixture.venue.labels, self.oracle)
        self._set_clock(0)

    def run(self) -> list[str]:
        """Run the schedule; return the violations that it shows."""
        with self._seams():
            for turn in range(1, MOST_TURNS):
                if turn == self._wipe_at:
                    self._wipe()
                self._turn()
                if not self._actions and not any(process.jobs for process in self.processes[:2]):
                    break
            self._finish()
        return self.oracle.check(self._fixture)

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
            self._continue(*self.rng.choice(awake))
        else:
            self._begin(self.rng.choice(self.processes))

    def _begin(self, process: Process) -> None:
        """Let a process start a job of a kind that it does not run yet."""
        api = process.name.startswith("api")
        if api and "request" not in process.jobs and self._actions:
            self._actions -= 1
            what, work = self._clients.action(process.service)
            self._note(process, f"a client: {what}")
            process.begin("request", work)
        elif process.name == "scheduler" and "expire" not in process.jobs:
            process.begin("expire", lambda: expire.run_once(process.stores, self._ring))
        elif process.name.startswith("worker"):
            self._begin_worker(process)

    def _begin_worker(self, process: Process) -> None:
        if self.bells and "drain" not in process.jobs:
            lane = self.bells.pop(self.rng.randrange(len(self.bells)))
            self._note(process, f"gets the doorbell of lane {lane}")
            process.begin("drain", lambda: drain.drain(process.stores, lane, self._ring))
        elif self.oracle.wiped and "republish" not in process.jobs and self.rng.random() < REPUBLISHING:
            process.begin("republish", lambda: _republish(process))
        elif "sweep" not in process.jobs:
            process.begin("sweep", lambda: sweep.run_once(process.stores, self._rescue(process)))

    def _continue(self, process: Process, what: str) -> None:
        """Run a job to its next point; or give it a store's error; or crash its process with all its jobs."""
        dice, job = self.rng.random(), process.jobs[what]
        if dice < CRASH:
            self._note(
                process, f"crashes; {', '.join(f'{each.name} at {each.at}' for each in process.jobs.values())}"
            )
            for each in process.jobs.values():
                each.resume(Fate.CRASH)
            process.restart()
            return
        fate = Fate.FAIL if dice < CRASH + FAIL else Fate.GO
        self._note(process, f"{what} {fate.value} at {job.at}")
        job.resume(fate)
        self._remove_ended(process, what)

    def _remove_ended(self, process: Process, what: str) -> None:
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
        self._fixture.client.delete(keys.REPUBLISHING)
        for lane in range(LANES):
            if self._fixture.client.delete(keys.lease(lane)):
                self.trace.append(f"the lease of lane {lane} lapses")

    def _lose_bell(self) -> None:
        if self.bells:
            self.trace.append(f"the doorbell of lane {self.bells.pop()} is lost")

    def _double_bell(self) -> None:
        if self.bells:
            self.bells.append(self.bells[0])

    def _pass_time(self) -> None:
        self.trace.append("the time of a hold passes")
        self._set_clock(self._ahead_ms + 2 * HOLD_MS)

    def _set_clock(self, ahead_ms: int) -> None:
        """Set Redis's clock, for its scripts and for TIME."""
        self._ahead_ms = ahead_ms
        for process in self.processes:
            rounds: Any = process.stores.rounds
            rounds.ahead_ms = ahead_ms
        clock.set_ahead(self._fixture.client, ahead_ms)

    def _sleep(self) -> None:
        """Let a job sleep longer than any lease; one in the middle of a batch if there is one."""
        jobs = [job for process in self.processes for job in process.jobs.values()]
        batches = [job for job in jobs if job.at in ("before COMMIT", "after COMMIT", "before finish.lua")]
        if jobs:
            job = self.rng.choice(batches or jobs)
            job.sleeps = self.rng.randint(20, 120)
            self.trace.append(f"{job.name} sleeps at {job.at} for {job.sleeps} turns")
            self._lapse()

    def _wipe(self) -> None:
        self.trace.append("Redis loses everything")
        self._fixture.client.flushdb()
        self._set_clock(self._ahead_ms)  # a wipe does not set the clock back
        self.oracle.wiped = True

    # -- the end ----------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Without further faults, end all jobs, repeat wiped requests, drain the lanes and expire holds."""
        for process in self.processes:
            for what in list(process.jobs):
                while what in process.jobs:
                    self.clock_s += 0.05
                    process.jobs[what].resume()
                    self._remove_ended(process, what)
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
                self._fixture.client.delete(keys.lease(lane))
            if not sweep.run_once(self.processes[2].stores, self._rescue(self.processes[2])):
                return

    def _rescue(self, process: Process) -> Callable[[int], object]:
        """Return a rescue of one batch in the sweeper's own thread, so that the schedule can interleave it."""
        return lambda lane: sweep.rescue(process.stores, lane, self._ring, for_s=0)

    def _ring(self, lane: int) -> None:
        self.bells.append(lane)

    def _note(self, process: Process, what: str) -> None:
        self.trace.append(f"{process.name} {what}")

    @contextmanager
    def _seams(self) -> Iterator[None]:
        """Replace the product's clock, random choices and logs until the block ends."""
        clock = mock.Mock(monotonic=lambda: self.clock_s, sleep=lambda seconds: None)
        chance = mock.Mock(shuffle=self.rng.shuffle, spec=random)
        with ExitStack() as stack:
            for module, name, stand_in in (
                (drain, "time", clock),
                (sweep, "random", chance),
                *((module, "log", self._alarms()) for module in (drain, batch, record, sweep, expire, intake)),
            ):
                stack.enter_context(mock.patch.object(module, name, stand_in))
            yield

    def _alarms(self) -> mock.Mock:
        """Return a log whose errors are violations: no fault may cause one."""

        def alarm(event: str, **values: Any) -> None:
            self.oracle.violations.append(f"alarm: {event} {values}")

        return mock.Mock(error=alarm, exception=alarm)


def _republish(process: Process) -> None:
    """Do what a worker's republisher does at each tick; after an error of a store, the next tick tries again."""
    with suppress(*TROUBLE, redis.RedisError):
        republish.run_once(process.stores)
