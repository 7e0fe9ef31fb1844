"""The crash run as a process of its own: `python -m proof.crash`, and the two halves of its points."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core.crash_points import POINTS

PROJECT = Path(__file__).parents[2]
#: Number of randomly chosen cases with faults other than exit, in each half. The seed is the time, so that each run
#: chooses others; `make crash` runs all.
SAMPLE = 2
#: The points of a drain, and all others: of the apis, the scheduler, expiring and sweeping.
_NAMES = list(POINTS)
DRAIN = _NAMES[_NAMES.index("drain begins") : _NAMES.index("drain over") + 1]
AROUND = [name for name in _NAMES if name not in DRAIN]


def start(*arguments: str, project: Path = PROJECT) -> subprocess.Popen[str]:
    """Start a run. Its servers are its own, so several may run at the same time."""
    own = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "JWT_SECRET", "LANES", "ONSALE_CRASH")
    env = {name: value for name, value in os.environ.items() if name not in own} | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "proof.crash", *arguments]
    return subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def survives(points: list[str]) -> None:
    """Assert that every point survives the fault exit, and a random sample of them the other faults."""
    each = (argument for point in points for argument in ("--point", point))
    run = start(*each, "--sample", str(SAMPLE))
    out, errors = run.communicate()

    print(out)  # shown if it fails: the seed, and the command that repeats the failed case
    assert run.returncode == 0, errors
