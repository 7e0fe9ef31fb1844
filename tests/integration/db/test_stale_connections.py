"""Connections that died while idle are replaced before the next use."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from core.errors import PostgresUnavailable
from db.postgres.engine import make_engine, transaction
from proof.kit.waiting import until
from tests.support.seeded import start_servers


def test_work_after_a_restart_of_postgres_does_not_fail_once_first(tmp_path: Path) -> None:
    """With a worker's engine, because a failed drain delays the lane until its lease lapses and the sweeper runs."""
    with start_servers(tmp_path / "home", fsync=False) as servers:
        engine = make_engine(servers.database_url, pool_size=3, pre_ping=False)
        try:
            with transaction(engine) as first, transaction(engine) as second:  # two connections in the pool
                numbers = {each.execute(text("SELECT pg_backend_pid()")).scalar() for each in (first, second)}

            servers.postgres.kill()
            servers.postgres.start()

            for _ in range(3):
                with transaction(engine) as connection:
                    number = connection.execute(text("SELECT pg_backend_pid()")).scalar()
                    assert number not in numbers

            servers.postgres.kill()
            until(lambda: not psutil.pid_exists(number))  # it outlives its killed parent by a moment
            with pytest.raises(PostgresUnavailable), transaction(engine) as connection:
                connection.execute(text("SELECT 1"))
            servers.postgres.start()
            with transaction(engine) as connection:
                assert connection.execute(text("SELECT 1")).scalar() == 1
        finally:
            engine.dispose()


def test_a_connection_that_lives_is_used_again(tmp_path: Path) -> None:
    with start_servers(tmp_path / "home", fsync=False) as servers:
        engine = make_engine(servers.database_url, pool_size=3, pre_ping=False)
        try:
            numbers = set()
            for _ in range(5):
                with transaction(engine) as connection:
                    numbers.add(connection.execute(text("SELECT pg_backend_pid()")).scalar())
            assert len(numbers) == 1
        finally:
            engine.dispose()
