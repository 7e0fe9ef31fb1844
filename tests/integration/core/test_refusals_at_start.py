"""Each process, started where it would not be safe."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.sources import PROJECT


@pytest.mark.parametrize(
    "start",
    [
        "from api.app import create_front_from_env; create_front_from_env()",
        "import workers.main",
        "from workers.scheduler import main; main()",
    ],
    ids=["api", "worker", "scheduler"],
)
def test_every_process_refuses_before_it_does_anything(start: str) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nowhere",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "JWT_SECRET": "x" * 32,
    }

    done = subprocess.run(
        [sys.executable, "-c", start], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert "Not safe to start: JWT_SECRET can be guessed" in done.stderr
