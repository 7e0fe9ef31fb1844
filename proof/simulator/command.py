"""`python -m proof.simulator`: random schedules on real servers; prints a violation's trace and how to repeat it."""

from __future__ import annotations

import argparse
import time

from core import logs
from proof.simulator.fixture import Fixture, own_fixture
from proof.simulator.schedule import Schedule

#: Max lines shown of a trace, from its end.
SHOWN_LINES = 60


def simulate(fixture: Fixture, first_seed: int, schedules: int, seconds: float) -> tuple[int, list[str]]:
    """Run schedules from `first_seed` on, up to `schedules` or `seconds`, or until one shows a violation.

    Returns how many were run, and the trace of the violation; [] if there is none.
    """
    deadline = time.monotonic() + seconds
    for done in range(schedules):
        if time.monotonic() > deadline:
            return done, []
        seed = first_seed + done
        schedule = Schedule(fixture, seed)
        violations = schedule.run()
        if violations:
            shown = [*schedule.trace[-SHOWN_LINES:], *(f"VIOLATION  {violation}" for violation in violations)]
            return done + 1, [*shown, f'repeat it with: make simulate ARGS="--seed {seed} --schedules 1"']
    return schedules, []


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 nothing is wrong, 1 a violation was found."""
    parser = argparse.ArgumentParser(prog="python -m proof.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first schedule's seed")
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after this time")
    parser.add_argument("--trace", action="store_true", help="run the first schedule alone, and print its trace")
    options = parser.parse_args(arguments)
    logs.configure(process="simulator", json=False, level="CRITICAL")
    with own_fixture() as fixture:
        started = time.monotonic()
        if options.trace:
            schedule = Schedule(fixture, options.seed)
            violations = schedule.run()
            print(*schedule.trace, *(f"VIOLATION  {violation}" for violation in violations), sep="\n")
            return 1 if violations else 0
        done, wrong = simulate(fixture, options.seed, options.schedules, options.seconds)
        took_s = time.monotonic() - started
    print(*wrong, sep="\n", end="\n" if wrong else "")
    summary = f"{done} schedules, seeds {options.seed} to {options.seed + done - 1}, {done / took_s:.1f} per second"
    print(f"{summary}: {'a violation' if wrong else '0 violations'}")
    return 1 if wrong else 0
