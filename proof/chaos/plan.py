"""The plan of a run: which faults, in which order, for how long. All of it is determined by the seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from proof.chaos.faults import EVERY, FAULTS, WIPE

#: Least seconds between the end of one step and the next.
BREATH_S = 1.5
#: Seconds of load before the first fault, and after the wipe.
WARM_UP_S, AFTER_WIPE_S = 4.0, 6.0
#: Seconds for which workers are stopped before the wipe, so that something is undecided.
STILL_S = 1.0
#: Most attempts at a fault that has not fired by itself.
ATTEMPTS = 3
#: The first fault of every run: a short one would show the least (`long_s`).
PAUSE = "stop broker"
#: The last of the single faults: a lane whose ids are ahead stays so.
AHEAD = "clock ahead"
#: The share of the rate that is the steady stream.
STEADY = 0.15
#: The share of combined steps after each selected fault has had its turn.
COMBINED = 0.7


@dataclass(frozen=True, slots=True)
class Harm:
    """One fault of a step: it begins `after_s` seconds into the step and lasts `seconds`."""

    fault: str
    after_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does. `drawn`: the faults selected for this run."""

    minutes: float
    seed: int
    rate: float
    drawn: tuple[str, ...]

    @property
    def wipes(self) -> bool:
        """Whether the run ends with the wipe."""
        return WIPE in self.drawn

    @property
    def seconds(self) -> float:
        """How many seconds the load runs."""
        return self.minutes * 60

    @property
    def steady_rate(self) -> float:
        """The steady stream's part of the rate: 20 to 100 per second, but at most half of the rate."""
        return min(100.0, max(20.0, STEADY * self.rate), self.rate / 2)

    @property
    def steps_end_s(self) -> float:
        """Seconds after which no step begins; the rest is for the wipe, if it was selected, and a pause."""
        wipe_s = AFTER_WIPE_S + STILL_S + 2 * BREATH_S if self.wipes else 0.0
        return self.seconds - wipe_s - 2 * BREATH_S

    def need_s(self, faults: Iterable[str]) -> float:
        """Return the seconds that these faults take at most, one after the other, without the wipe."""
        most = _longest(self.minutes)[1]
        known = [FAULTS[name] for name in faults if name != WIPE]
        lasting = [max(most, long_s(self.seconds)) if fault.slow else most if fault.lasts else 0.0 for fault in known]
        return sum(lasting) + sum(fault.takes_s + BREATH_S for fault in known)

    @property
    def has_room(self) -> bool:
        """Whether each selected fault occurs by itself, even if each takes as long as it may."""
        return WARM_UP_S + self.need_s(self.drawn) <= self.steps_end_s


def make_plan(minutes: float, seed: int, rate: float, only: tuple[str, ...] = ()) -> Plan:
    """Select the faults of a run: half of them, and PAUSE. Three seeds in a row include every fault.

    only: select these faults and no others.
    """
    drawn = list(only)
    if not only:
        drawn = [name for number, name in enumerate(EVERY) if number % 3 == seed % 3]
        rest = [name for name in EVERY if name not in drawn]
        drawn += random.Random(seed).sample(rest, (len(EVERY) + 1) // 2 - len(drawn))
        drawn += [PAUSE] if PAUSE not in drawn else []
    return Plan(minutes, seed, rate, tuple(drawn))


class Steps:
    """The steps of a run, without end: each selected fault by itself first, then combined with others."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.random = random.Random(f"steps {plan.seed}")
        self._first = [name for name in plan.drawn if name != WIPE]
        self.random.shuffle(self._first)
        # Faults are taken from the end. PAUSE comes first, also in the shortest run.
        self._first.sort(key=lambda name: name == PAUSE)
        # AHEAD comes last, because its effect stays (proof/chaos/servers.py).
        self._first.sort(key=lambda name: name != AHEAD)
        self._mixable = [name for name in self._first if not FAULTS[name].alone]
        self._tried: Counter[str] = Counter()

    @property
    def waiting(self) -> tuple[str, ...]:
        """The faults that have not had their turn by themselves."""
        return tuple(self._first)

    def again(self, name: str) -> None:
        """Give a fault that did not fire another turn, after the others, up to ATTEMPTS in all."""
        self._tried[name] += 1
        if self._tried[name] < ATTEMPTS:
            self._first.insert(0, name)

    def next(self) -> list[Harm]:
        """Return the next step: one fault, or two or three at once."""
        draws = self.random
        if self._first:
            name = self._first.pop()
            if FAULTS[name].slow:
                return [Harm(name, 0.0, long_s(self._plan.seconds))]
            return [self._harm(name)]
        if len(self._mixable) < 2 or draws.random() >= COMBINED:
            names = [name for name in self._plan.drawn if name != WIPE]
            return [self._harm(draws.choice(names))] if names else []
        names = draws.sample(self._mixable, min(len(self._mixable), draws.choice((2, 2, 3))))
        return [self._harm(name, draws.uniform(0.0, 2.0) if place else 0.0) for place, name in enumerate(names)]

    def _harm(self, name: str, after_s: float = 0.0) -> Harm:
        return Harm(name, after_s, self._seconds(name))

    def _seconds(self, name: str) -> float:
        """Draw how many seconds a fault lasts: at most 4 in short runs, 10 from five minutes on, 60 from thirty.

        It is at least 0.1 s for a stopped process, and half a second for the others.
        """
        least = 0.1 if name.startswith("stop") else 0.5
        most, longest = _longest(self._plan.minutes)
        if longest > most and self.random.random() < 0.2:
            most = longest
        return float(least * (most / least) ** self.random.random())


def long_s(seconds: float) -> float:
    """Return how many seconds a slow fault lasts when it occurs by itself: longer than any lane may stop."""
    if seconds < 300:
        return min(15.0, seconds / 4)
    return 30.0 if seconds < 1_800 else 60.0


def _longest(minutes: float) -> tuple[float, float]:
    """Return the most seconds that a fault lasts: usually, and in one of five draws."""
    most = 4.0 if minutes < 5 else 10.0
    return most, 60.0 if minutes >= 30 else most
