"""The guard refuses unsafe servers, each with its own message, from what the servers themselves report."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from core.errors import ConfigurationError
from core.settings import Settings
from db import guard
from db.guard import EXIT_CODE, Guard, redis_faults
from db.kv.rounds import Rounds
from db.postgres.engine import make_engine, transaction
from db.postgres.roles import ensure_login
from ops.up import postgres
from proof.kit.servers import Servers
from tests.support.rules import PROJECT
from tests.support.seeded import start_servers

DRAWN = "9b1f63e0c24a8d57f00e3c6d1a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d"


def postgres_faults(connection: Connection, role: guard.Role) -> list[str]:
    driver: Any = connection.connection.driver_connection
    return guard.postgres_faults(driver, role)


def login(engine: Engine, database_url: str, group: str) -> str:
    url = postgres.login_url(database_url, group, "drawn-for-this-test")
    with transaction(engine) as connection:
        ensure_login(connection, group, url)
    return url


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Redis as `onsale up` starts it: every write is on disk before its reply."""
    with start_servers(tmp_path_factory.mktemp("kept")) as started:
        yield started


@pytest.fixture
def redis_of_home(kept: Servers) -> Iterator[Rounds]:
    rounds = Rounds(kept.redis_url())
    before = {
        name: rounds.call([("CONFIG", "GET", name)], writes=False)[0][1] for name in (*guard.REDIS, "maxmemory")
    }
    yield rounds
    for name, value in before.items():
        rounds.call([("CONFIG", "SET", name, value)], writes=True)
    rounds.close()


def test_the_redis_of_a_home_is_safe(redis_of_home: Rounds, settings: Settings) -> None:
    assert redis_faults(redis_of_home, settings) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("appendfsync", "no"),
        ("no-appendfsync-on-rewrite", "yes"),
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory-policy", "volatile-ttl"),
        ("maxmemory", "0"),
    ],
)
def test_a_redis_that_may_lose_data_is_refused(
    redis_of_home: Rounds, settings: Settings, name: str, value: str
) -> None:
    redis_of_home.call([("CONFIG", "SET", name, value)], writes=True)

    [fault] = redis_faults(redis_of_home, settings)

    assert name in fault


def test_lanes_that_could_fill_redis_are_refused(redis_of_home: Rounds, settings: Settings) -> None:
    redis_of_home.call([("CONFIG", "SET", "maxmemory", "100mb")], writes=True)

    [fault] = redis_faults(redis_of_home, replace(settings, lanes=8, lane_cap=20_000))

    assert "TOTAL_CAP" in fault
    assert redis_faults(redis_of_home, replace(settings, lanes=8, lane_cap=2_000)) == []


def test_a_redis_that_does_not_show_its_configuration_is_refused(
    redis_of_home: Rounds, kept: Servers, settings: Settings
) -> None:
    redis_of_home.call([("ACL", "SETUSER", "blind", "on", ">pw", "~*", "&*", "+@all", "-config")], writes=True)
    blind = Rounds(kept.redis_url().replace("unix://", "unix://blind:pw@"))

    [fault] = redis_faults(blind, settings)

    assert "CONFIG GET" in fault
    blind.close()


def test_a_superuser_is_refused(engine: Engine) -> None:
    for role in ("api", "worker"):
        with transaction(engine) as connection:
            faults = postgres_faults(connection, role)  # type: ignore[arg-type]
        assert any("onsale is a superuser" in fault for fault in faults)


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_member_of_the_group_is_accepted_and_of_the_other_is_not(
    engine: Engine, database_url: str, role: guard.Role
) -> None:
    other: guard.Role = "worker" if role == "api" else "api"
    member = make_engine(login(engine, database_url, f"onsale_{role}"), pool_size=1)

    with transaction(member) as connection:
        unlike = [
            fault for fault in postgres_faults(connection, role) if "fsync" not in fault and "page" not in fault
        ]
        wrong = postgres_faults(connection, other)
    member.dispose()

    assert unlike == []
    assert any(f"must be of a member of onsale_{other}" in fault for fault in wrong)


def test_a_single_excess_right_is_found(engine: Engine, database_url: str) -> None:
    member = make_engine(login(engine, database_url, "onsale_api"), pool_size=1)
    with transaction(engine) as connection:
        connection.execute(text("GRANT UPDATE (status) ON seats TO onsale_api_login"))

    with transaction(member) as connection:
        faults = postgres_faults(connection, "api")
    member.dispose()

    assert any("may UPDATE seats" in fault for fault in faults)


def test_a_postgres_that_does_not_wait_for_the_disk_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        faults = postgres_faults(connection, "api")

    for name in ("fsync", "full_page_writes", "synchronous_commit"):  # the test server has the first two off
        assert any(f"Postgres has {name} off" in fault for fault in faults)


def test_another_isolation_is_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        faults = postgres_faults(connection, "worker")

    assert any("repeatable read" in fault for fault in faults)


def test_the_guard_accepts_safe_servers_and_any_servers_in_the_local_mode(
    kept: Servers, settings: Settings, engine: Engine
) -> None:
    safe = replace(settings, mode="production", redis_url=kept.redis_url())
    with pytest.raises(ConfigurationError, match="superuser"):
        Guard(safe, "api").check()

    assert Guard(settings, "api").check()  # the test servers are not safe


def test_a_server_that_is_unavailable_is_checked_once_it_is_up(settings: Settings) -> None:
    guard_ = Guard(replace(settings, mode="production", redis_url="redis://127.0.0.1:1/0"), "api")

    assert not guard_.check()


def test_a_process_whose_servers_are_found_unsafe_later_ends_itself(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Redis is down when the process starts; the process ends as soon as it can check Redis."""
    with start_servers(tmp_path_factory.mktemp("later"), fsync=False) as own:
        environment = {
            "PATH": os.defpath, "PYTHONPATH": str(PROJECT), "JWT_SECRET": DRAWN,
            "DATABASE_URL": own.database_url, "REDIS_URL": own.redis_url(),
        }  # fmt: skip
        own.redis.stop()
        code = (
            "from api.app import create_front_from_env\nimport time\n"
            "create_front_from_env()\nprint('up', flush=True)\ntime.sleep(60)"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as api:
            assert api.stdout is not None
            told = []
            while (line := api.stdout.readline()) and line != "up\n":
                told.append(line)
            assert any("not_checked_yet" in line for line in told)
            own.redis.start()
            deadline = time.monotonic() + 30
            while api.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            api.kill()

        assert api.returncode == EXIT_CODE


def test_a_pooler_that_drops_our_options_is_found(engine: Engine) -> None:
    with transaction(engine) as connection:
        assert not any("options" in fault for fault in postgres_faults(connection, "api"))
        connection.execute(text("SET LOCAL onsale.options = ''"))
        assert any("options" in fault for fault in postgres_faults(connection, "api"))


def test_a_worker_on_unsafe_servers_ends_before_it_takes_a_message(database_url: str, redis_url: str) -> None:
    environment = {"PATH": os.defpath, "JWT_SECRET": DRAWN, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    code = (
        "from core.settings import Settings\nfrom workers.middleware import WorkerProcess\n"
        "WorkerProcess(Settings.from_env()).before_worker_boot(None, None)\nprint('booted')"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == EXIT_CODE
    assert "appendfsync" in done.stdout + done.stderr
    assert "booted" not in done.stdout
