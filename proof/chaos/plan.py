"""The plan of a run: which faults, in which order, for how long. All of it follows from the seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from proof.chaos.faults import EVERY, FAULTS, WIPE

#: Seconds between the end of one step and the next at the least.
BREATH_S = 1.5
#: Seconds of load before the first fault, and after the wipe.
WARM_UP_S, AFTER_WIPE_S = 4.0, 6.0
#: Seconds for which workers stand still before the wipe, so that something is undecided.
STILL_S = 1.0
#: So often a fault is tried that has never fired.
ATTEMPTS = 3
#: In every run, and first: the fault of which one least sees what it does if it is short (`long_s`).
PAUSE = "stop broker"
#: After all others: a lane whose ids are ahead stays so.
AHEAD = "clock ahead"
#: Share of the rate that is the steady stream's.
STEADY = 0.15
#: Share of combined steps among those after each drawn fault has had its turn.
COMBINED = 0.7


@dataclass(frozen=True, slots=True)
class Harm:
    """One fault of a step: `after_s` seconds into it, for `seconds`."""

    fault: str
    after_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does. `drawn`: this run's share of all faults; `wipes`: whether it ends with the wipe."""

    minutes: float
    seed: int
    rate: float
    drawn: tuple[str, ...]

    @property
    def wipes(self) -> bool:
        """Whether the phase of the wipe comes at the end."""
        return WIPE in self.drawn

    @property
    def seconds(self) -> float:
        """How long the load runs."""
        return self.minutes * 60

    @property
    def steady_rate(self) -> float:
        """The part of the rate that one lane accepts throughout: 20 to 100 a second, if there are as many."""
        return min(100.0, max(20.0, STEADY * self.rate), self.rate / 2)

    @property
    def steps_end_s(self) -> float:
        """Seconds after which no step begins: what is left is the wipe's, if it was drawn, and a breath."""
        wipe_s = AFTER_WIPE_S + STILL_S + 2 * BREATH_S if self.wipes else 0.0
        return self.seconds - wipe_s - 2 * BREATH_S

    def need_s(self, faults: Iterable[str]) -> float:
        """Seconds that so many faults take at the most, one after the other, the wipe left out."""
        most = _longest(self.minutes)[1]
        known = [FAULTS[name] for name in faults if name != WIPE]
        lasting = [max(most, long_s(self.seconds)) if fault.slow else most if fault.lasts else 0.0 for fault in known]
        return sum(lasting) + sum(fault.takes_s + BREATH_S for fault in known)

    @property
    def has_room(self) -> bool:
        """Whether each drawn fault comes by itself, even if each takes as long as it may."""
        return WARM_UP_S + self.need_s(self.drawn) <= self.steps_end_s


def make_plan(minutes: float, seed: int, rate: float, only: tuple[str, ...] = ()) -> Plan:
    """Draw the faults of a run: half of them, and PAUSE. Three seeds in a row have every fault among them.

    `only`: these faults and no others.
    """
    drawn = list(only)
    if not only:
        drawn = [name for number, name in enumerate(EVERY) if number % 3 == seed % 3]
        rest = [name for name in EVERY if name not in drawn]
        drawn += random.Random(seed).sample(rest, (len(EVERY) + 1) // 2 - len(drawn))
        drawn += [PAUSE] if PAUSE not in drawn else []
    return Plan(minutes, seed, rate, tuple(drawn))


class Steps:
    """The steps of a run, without an end: each drawn fault by itself first, then mixed with others."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.random = random.Random(f"steps {plan.seed}")
        self._first = [name for name in plan.drawn if name != WIPE]
        self.random.shuffle(self._first)
        # At the end, which is next: also in the shortest run.
        self._first.sort(key=lambda name: name == PAUSE)
        # At the begin, which is last: what it does stays (proof/chaos/servers.py).
        self._first.sort(key=lambda name: name != AHEAD)
        self._mixable = [name for name in self._first if not FAULTS[name].alone]
        self._tried: Counter[str] = Counter()

    @property
    def waiting(self) -> tuple[str, ...]:
        """The faults that have not had their turn by themselves."""
        return tuple(self._first)

    def again(self, name: str) -> None:
        """A fault did not fire by itself: it gets another turn, after the others, but for ATTEMPTS in all."""
        self._tried[name] += 1
        if self._tried[name] < ATTEMPTS:
            self._first.insert(0, name)

    def next(self) -> list[Harm]:
        """The next step: one fault, or two or three at once."""
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
        """How long a fault lasts: 4 s at the most in the shortest runs, 10 from five minutes on, 60 from thirty.

        0.1 s at the least for a process that stands still, half a second for the others.
        """
        least = 0.1 if name.startswith("stop") else 0.5
        most, longest = _longest(self._plan.minutes)
        if longest > most and self.random.random() < 0.2:
            most = longest
        return float(least * (most / least) ** self.random.random())


def long_s(seconds: float) -> float:
    """How long a slow fault lasts when it comes by itself: longer than any lane may stand still."""
    if seconds < 300:
        return min(15.0, seconds / 4)
    return 30.0 if seconds < 1_800 else 60.0


def _longest(minutes: float) -> tuple[float, float]:
    """Seconds that a fault lasts at the most: most of them, and all of them."""
    most = 4.0 if minutes < 5 else 10.0
    return most, 60.0 if minutes >= 30 else most
