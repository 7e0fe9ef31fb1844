"""Processes with another number of lanes, or on another installation's Redis, report it and end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import WrongInstallation
from db import installation
from db.guard import EXIT_CODE, Guard
from db.kv import keys, workers_alive
from db.postgres.engine import transaction
from proof.kit.waiting import until
from tests.support.buyer import Buyer
from tests.support.stage import Stage
from workers import sweep

ROOT = Path(__file__).parents[3]
OTHER = json.dumps({"id": "another", "lanes": 4, "booking_secret": "00" * 32})


def run(stage: Stage, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run one of our processes on the test's servers until it ends by itself."""
    settings = stage.stores.settings
    env = os.environ | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "BROKER_URL": settings.broker_url,
        "ONSALE_MODE": "local",
        **changes,
    }
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


#: Dramatiq looks after its process when that has begun or half a second is over; 30 s is its default.
WORKER = (
    *("-m", "dramatiq", "--processes", "1", "--threads", "2", "--worker-fork-timeout", "500"),
    *("--skip-logging", "workers.main"),
)
MIGRATE = ("-m", "ops.migrate")


def test_a_worker_with_other_lanes_ends_and_says_why(stage: Stage) -> None:
    done = run(stage, *WORKER, LANES="5")

    assert "the installation has 4 lanes, not 5" in done.stdout + done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize(("command", "code"), [(WORKER, None), (MIGRATE, EXIT_CODE)], ids=["worker", "migrate"])
def test_a_process_that_finds_another_installations_redis_ends_and_says_why(
    stage: Stage, command: tuple[str, ...], code: int | None
) -> None:
    stage.stores.client.set(keys.INSTALLATION, OTHER)

    done = run(stage, *command)

    assert "this Redis serves another installation (another)" in done.stdout + done.stderr
    assert done.returncode == code if code else done.returncode != 0
    assert stage.stores.client.get(keys.INSTALLATION) == OTHER


@pytest.mark.parametrize("role", ["api", "worker"])
def test_the_guard_refuses_another_installations_redis(stage: Stage, role: Any) -> None:
    assert Guard(stage.stores.settings, role).check()
    stage.stores.client.set(keys.INSTALLATION, OTHER)

    with pytest.raises(WrongInstallation):
        Guard(stage.stores.settings, role).check()


def test_the_copy_of_an_older_version_is_recognised_and_replaced(stage: Stage) -> None:
    with transaction(stage.stores.engine) as connection:
        kept = installation.get(connection)
    older = json.dumps({"lanes": kept.lanes, "booking_secret": kept.booking_secret.hex()})
    stage.stores.client.set(keys.INSTALLATION, older)

    assert Guard(stage.stores.settings, "api").check()

    assert stage.stores.client.get(keys.INSTALLATION) == kept.to_json()


def test_a_worker_ends_when_its_redis_is_given_to_another_installation(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Exception] = []

    def end(error: Exception) -> None:
        ended.append(error)
        raise SystemExit

    monkeypatch.setattr("db.guard.end", end)
    sweep.beat(stage.stores, "w1")
    stage.stores.client.set(keys.INSTALLATION, OTHER)

    with pytest.raises(SystemExit):
        sweep.beat(stage.stores, "w1")
    assert isinstance(ended[0], WrongInstallation)


def test_after_a_wipe_a_heartbeat_publishes_the_installation_again(stage: Stage) -> None:
    sweep.beat(stage.stores, "w1")
    stage.stores.client.flushdb()
    sweep.beat(stage.stores, "w1")

    assert stage.stores.client.exists(keys.INSTALLATION)


def test_readiness_and_metrics_report_the_number_of_workers(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = alice._client
    assert client.get("/readyz").get_json()["workers"] == 0
    sweep.beat(stage.stores, "w1")
    sweep.beat(stage.stores, "w2")

    assert client.get("/readyz").get_json()["workers"] == 2
    assert "onsale_workers 2.0" in client.get("/metrics").get_data(as_text=True)
    monkeypatch.setattr(workers_alive, "LIFE_MS", 0)  # neither has sent a heartbeat lately
    assert client.get("/readyz").get_json()["workers"] == 0


def test_a_worker_is_listed_until_its_sweeper_stops(
    stage: Stage, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "TICK_S", 0.01)
    sweeper = sweep.Sweeper(stage.stores, lambda lane: None)
    sweeper.start()
    until(lambda: stage.stores.client.zcard(keys.WORKERS) == 1)
    sweeper.stop()

    assert stage.stores.client.zcard(keys.WORKERS) == 0


def test_an_api_ends_when_its_redis_is_given_to_another_installation(
    stage: Stage, alice: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Exception] = []
    monkeypatch.setattr("db.guard.end", ended.append)
    show = stage.show()
    assert alice.book(show, "A1").status_code == 202
    assert alice._client.get("/readyz").status_code == 200
    assert ended == []

    stage.stores.client.set(keys.INSTALLATION, OTHER)
    alice._client.get("/readyz")

    assert isinstance(ended[0], WrongInstallation)


def test_a_process_that_started_on_an_older_copy_accepts_the_newer_one(stage: Stage) -> None:
    with transaction(stage.stores.engine) as connection:
        kept = installation.get(connection)

    replace(kept, id="").check(kept.to_json())
    kept.check(replace(kept, id="").to_json())
    with pytest.raises(WrongInstallation):
        replace(kept, id="another").check(kept.to_json())
