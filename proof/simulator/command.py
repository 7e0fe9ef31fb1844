"""`python -m proof.simulator`: random schedules on real servers; a violation prints its seed and how to repeat it."""

from __future__ import annotations

import argparse
import time

from core import logs
from proof.simulator.ground import Ground, own_ground
from proof.simulator.play import Play

#: So many lines of a schedule's story are told, from the end.
TOLD = 60


def simulate(ground: Ground, first_seed: int, schedules: int, seconds: float) -> tuple[int, list[str]]:
    """Play seeds from `first_seed` on, up to so many or so long: how many, and the story of a violation."""
    deadline = time.monotonic() + seconds
    for played in range(schedules):
        if time.monotonic() > deadline:
            return played, []
        seed = first_seed + played
        play = Play(ground, seed)
        violations = play.run()
        if violations:
            told = [*play.story[-TOLD:], *(f"VIOLATION  {violation}" for violation in violations)]
            return played + 1, [*told, f'repeat it with: make simulate ARGS="--seed {seed} --schedules 1"']
    return schedules, []


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 nothing is wrong, 1 a violation was found."""
    parser = argparse.ArgumentParser(prog="python -m proof.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first schedule's seed")
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600.0, help="at the most")
    parser.add_argument("--tell", action="store_true", help="tell the story of each schedule")
    options = parser.parse_args(arguments)
    logs.configure(process="simulator", json=False, level="CRITICAL")
    with own_ground() as ground:
        started = time.monotonic()
        if options.tell:
            play = Play(ground, options.seed)
            violations = play.run()
            print(*play.story, *(f"VIOLATION  {violation}" for violation in violations), sep="\n")
            return 1 if violations else 0
        played, wrong = simulate(ground, options.seed, options.schedules, options.seconds)
        took_s = time.monotonic() - started
    print(*wrong, sep="\n", end="\n" if wrong else "")
    told = (
        f"{played} schedules, seeds {options.seed} to {options.seed + played - 1}, {played / took_s:.1f} per second"
    )
    print(f"{told}: {'a violation' if wrong else '0 violations'}")
    return 1 if wrong else 0
