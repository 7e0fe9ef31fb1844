"""The crash run: every point with the fault exit, and a random sample of the other faults."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
#: Number of randomly chosen cases with faults other than exit.
SAMPLE = 8


def crash(*arguments: str, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    own = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "JWT_SECRET", "LANES", "ONSALE_CRASH")
    env = {name: value for name, value in os.environ.items() if name not in own} | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "proof.crash", *arguments]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)


@pytest.mark.timeout(600)
def test_every_point_survives_an_exit_and_some_the_other_faults() -> None:
    done = crash("--sample", str(SAMPLE))

    print(done.stdout)  # shown if it fails: the seed, and the command that repeats the failed case
    assert done.returncode == 0, done.stderr
