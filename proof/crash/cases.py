"""The cases of a run: which point, which fault, and at which passing the point fires."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from core.crash_points import POINTS, Fault, faults_of

#: Points that a second pass would take too long to reach: a tick of the scheduler or the sweeper, a drain's turn.
RARE = frozenset(
    {"missing card published", "turn over", "lease released", "drain over"}
    | {name for name in POINTS if "expir" in name or "lapsed" in name or "stalled" in name or "sweep" in name}
)
#: The latest passing at which a point fires.
MOST = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one point, at its nth passing, drawn by the seed."""

    point: str
    fault: Fault
    nth: int
    seed: int

    @property
    def process(self) -> str:
        """The process to arm: api, worker or scheduler."""
        return POINTS[self.point].process

    @property
    def command(self) -> str:
        """The command that repeats this case."""
        return f"python -m proof.crash --point '{self.point}' --fault {self.fault} --seed {self.seed}"


def draw(points: Sequence[str], faults: Sequence[Fault], sample: int | None, seed: int) -> list[Case]:
    """Return every point with every fault of `faults` possible there; with `sample`, all exits and `sample` others.

    Repeat: the same arguments give the same cases; a case's `nth` depends only on its point, its fault and the seed.
    """
    pairs = [(point, fault) for point in points for fault in faults_of(point) if fault in faults]
    if sample is not None:
        others = [pair for pair in pairs if pair[1] is not Fault.EXIT]
        chosen = random.Random(seed).sample(others, min(sample, len(others)))
        pairs = [pair for pair in pairs if pair[1] is Fault.EXIT or pair in chosen]
    return [Case(point, fault, _nth(point, fault, seed), seed) for point, fault in pairs]


def _nth(point: str, fault: Fault, seed: int) -> int:
    drawn = random.Random(f"{seed} {point} {fault}").randint(1, MOST)
    return 1 if point in RARE else drawn
