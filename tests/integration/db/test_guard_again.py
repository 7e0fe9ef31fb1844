"""Servers that are replaced after the start: each new connection is checked by the guard again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, text

from core.settings import Settings
from db import guard
from db.kv.async_rounds import AsyncRounds
from db.kv.rounds import Rounds, connection_pool
from db.postgres.engine import make_engine, transaction
from db.postgres.roles import ensure_login
from ops.up import postgres
from tests.support.rules import PROJECT
from tests.support.valkey import Valkey, valkey

DRAWN = "9b1f63e0c24a8d57f00e3c6d1a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Valkey]:
    """Redis as `onsale up` starts it: every write is on disk before its reply."""
    with valkey(tmp_path / "kept") as started:
        yield started


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The errors with which this process would have ended itself."""
    said: list[str] = []
    monkeypatch.setattr(guard, "end", lambda error: said.append(str(error)))
    return said


@pytest.mark.parametrize("way", ["threads", "loop", "client"])
def test_each_new_connection_to_redis_is_checked(
    kept: Valkey, settings: Settings, ended: list[str], way: str
) -> None:
    questions = guard.for_redis(replace(settings, mode="production"))
    pool = connection_pool(kept.server.url, socket_timeout_s=2, questions=questions)

    def connect() -> None:
        if way == "threads":
            rounds = Rounds(kept.server.url, questions=questions)
            assert rounds.call([("PING",)], writes=False) == ["PONG"]
            rounds.close()
        elif way == "loop":
            asyncio.run(ask(AsyncRounds(kept.server.url, questions=questions)))
        else:
            with redis.Redis(connection_pool=pool) as client:
                assert client.ping()
            pool.disconnect()

    async def ask(rounds: AsyncRounds) -> None:
        assert await rounds.call([("PING",)], writes=False) == ["PONG"]
        await rounds.close()

    connect()
    assert ended == []
    kept.client.config_set("appendfsync", "everysec")
    connect()

    assert "appendfsync" in ended[0]


def test_each_new_connection_to_postgres_is_checked(
    engine: Engine, database_url: str, settings: Settings, ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_DURABLE", ("synchronous_commit",))  # the test server has the others off
    url = postgres.login_url(database_url, "onsale_api", "drawn-for-this-test")
    with transaction(engine) as connection:
        ensure_login(connection, "onsale_api", url)
    greet = guard.for_postgres(replace(settings, mode="production"), "api")
    member = make_engine(url, pool_size=1, greet=greet)

    with transaction(member):
        assert ended == []
    with transaction(engine) as connection:
        connection.execute(text("GRANT UPDATE (status) ON seats TO onsale_api_login"))
    with transaction(member):
        assert ended == []
    member.dispose()
    with transaction(member) as connection:
        assert not connection.connection.driver_connection.autocommit  # type: ignore[union-attr]
    member.dispose()

    assert "may UPDATE seats" in ended[0]


def test_in_the_local_mode_nothing_is_checked(settings: Settings) -> None:
    assert guard.for_redis(settings) is None
    assert guard.for_postgres(settings, "api") is None


def test_a_process_that_connects_to_an_unsafe_server_later_ends_itself(kept: Valkey, database_url: str) -> None:
    environment = {
        "PATH": os.defpath, "JWT_SECRET": DRAWN, "DATABASE_URL": database_url, "REDIS_URL": kept.server.url,
    }  # fmt: skip
    code = (
        "from core.settings import Settings\nfrom db import guard\nfrom db.kv.rounds import Rounds\n"
        "settings = Settings.from_env()\n"
        "rounds = Rounds(settings.redis_url, questions=guard.for_redis(settings))\n"
        "for line in ('up', 'on'):\n"
        "    rounds.call([('PING',)], writes=False)\n    print(line, flush=True)\n    input()\n    rounds.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        kept.client.config_set("appendfsync", "everysec")
        told, _ = process.communicate("\n", timeout=60)

    assert process.returncode == guard.EXIT_CODE
    assert "appendfsync" in told
