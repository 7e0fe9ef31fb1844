"""The nemesis: carries out the faults of a plan on a deployment, step by step, and records what happened when."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from core.errors import OnsaleError
from proof.chaos.deployment import Deployment, send
from proof.chaos.evidence import Wipe
from proof.chaos.faults import FAULTS, WIPE
from proof.chaos.plan import AFTER_WIPE_S, BREATH_S, STILL_S, WARM_UP_S, Harm, Plan, Steps
from proof.chaos.system import WORKERS

#: Most seconds to wait for the system to recover before the next step begins; less if the selected faults that have
#: not had their turn need the time.
CALM_WITHIN_S = 15.0
#: A lane is calm if its oldest entry is younger than this, in milliseconds.
CALM_AGE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Fired:
    """One fault that was carried out. Times are seconds since 1970.

    combined: others ran at the same time.   healed: when its recovery began to count.
    ended: when it no longer acted on the system.
    """

    fault: str
    words: str
    begun: float
    healed: float
    combined: bool
    ended: float = 0.0

    @property
    def until(self) -> float:
        """When it was over."""
        return max(self.begun, self.healed, self.ended)


class Nemesis:
    """Injects faults until the plan's time is over."""

    def __init__(self, deployment: Deployment, plan: Plan, say: Callable[[str], None]) -> None:
        self.fired: list[Fired] = []
        #: Every attempt, also of faults that did not fire: they may have done something all the same.
        self.tried: list[Fired] = []
        self.wipes: list[Wipe] = []
        #: When the last step was over, just before the load ended, in seconds since 1970.
        self.ended = 0.0
        self._deployment = deployment
        self._plan = plan
        self._say = say
        self._steps = Steps(plan)

    async def run(self) -> None:
        """Carry out all steps, and the wipe at the end if it was selected."""
        loop = asyncio.get_running_loop()
        end, last = loop.time() + self._plan.seconds, loop.time() + self._plan.steps_end_s
        await asyncio.sleep(WARM_UP_S)
        while loop.time() < last:
            step = self._steps.next()
            if not step:
                break
            await self._step(step)
            # Reserve the time of the faults that still wait, unless the run is too short for all of them anyway.
            kept_s = self._plan.need_s(self._steps.waiting) if self._plan.has_room else 0.0
            await self._calm(last - kept_s)
        if self._plan.wipes:
            await self._wipe()
        await asyncio.sleep(max(0.0, end - loop.time()))
        self.ended = time.time()

    async def _step(self, step: list[Harm]) -> None:
        begun = time.time()
        fired = await asyncio.gather(*(self._do(harm, len(step) > 1) for harm in step))
        done = [each for each in fired if each is not None]
        self.fired += done
        if done:
            self._say(f"{time.time() - begun:5.1f} s  " + "; ".join(f"{each.fault}: {each.words}" for each in done))
        elif len(step) == 1 and all(each.fault != step[0].fault for each in self.fired):
            self._steps.again(step[0].fault)

    async def _do(self, harm: Harm, combined: bool) -> Fired | None:
        fault = FAULTS[harm.fault]
        await asyncio.sleep(harm.after_s)
        begun = time.time()
        try:
            async with fault.harm(self._deployment, self._steps.random) as words:
                if fault.lasts:
                    await asyncio.sleep(harm.seconds)
        except (OnsaleError, OSError, redis.RedisError, SQLAlchemyError, psycopg.Error, psutil.Error) as error:
            # Another fault of this step got in the way: the target of this one does not run.
            words = ""
            self._say(f"         {fault.name} did not fire: {error!r}")
        else:
            if not words:
                self._say(f"         {fault.name} did not fire: there was nothing to act on")
        ended = time.time()
        healed = begun if fault.from_begin else ended
        done = Fired(fault.name, f"{words}, {ended - begun:.1f} s", begun, healed, combined, ended)
        self.tried.append(done)
        return done if words else None

    async def _calm(self, until: float) -> None:
        """Wait until the api answers and lanes move, for CALM_WITHIN_S seconds at most."""
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + CALM_WITHIN_S, until)
        await asyncio.sleep(BREATH_S)
        while loop.time() < deadline:
            if await asyncio.to_thread(self._moves) and await self._deployment.answers():
                return
            await asyncio.sleep(0.2)

    def _moves(self) -> bool:
        with suppress(redis.RedisError):
            return all(lane.oldest_age_ms < CALM_AGE_MS for lane in self._deployment.lanes())
        return False

    async def _wipe(self) -> None:
        """Make Redis lose everything while operations are undecided: stop the workers, flush all keys, kill -9."""
        workers = [
            pid for number in range(1, WORKERS + 1) for pid in await self._deployment.family(f"worker-{number}")
        ]
        begun = time.time()
        send(workers, signal.SIGSTOP)
        await asyncio.sleep(STILL_S)
        wiping = time.time()
        client = self._deployment.redis()
        try:
            client.flushall()
        finally:
            client.close()
        send((await self._deployment.pids("redis"))[:1], signal.SIGKILL)
        wiped = time.time()
        send(workers, signal.SIGCONT)
        self.wipes.append(Wipe(wiping, wiped))
        self.fired.append(Fired(WIPE, "FLUSHALL and kill -9", begun, wiped, combined=False, ended=wiped))
        self.tried.append(self.fired[-1])
        self._say(f"{wiped - begun:5.1f} s  {WIPE}: FLUSHALL and kill -9")
        await asyncio.sleep(AFTER_WIPE_S)
