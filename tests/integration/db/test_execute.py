"""db.postgres.engine.execute: rows, transactions and errors are the same as with SQLAlchemy."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from core.errors import PostgresUnavailable
from db.postgres.engine import execute, make_engine, refuses_values, sqlstate, transaction, violated

_WHO = "SELECT pg_backend_pid() AS number"


def test_rows_have_names(engine: Engine) -> None:
    with transaction(engine) as connection:
        cursor = execute(connection, "SELECT n, '5 % x' AS mark FROM generate_series(1, :last) AS n", {"last": 2})
        assert [(row.n, row.mark) for row in cursor] == [(1, "5 % x"), (2, "5 % x")]


def test_it_is_part_of_the_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        execute(connection, "INSERT INTO lanes (lane) VALUES (:lane)", {"lane": 900})
        assert connection.execute(text("SELECT lane FROM lanes WHERE lane = 900")).scalar() == 900
        connection.rollback()
    with transaction(engine) as connection:
        assert execute(connection, "SELECT FROM lanes WHERE lane = :lane", {"lane": 900}).rowcount == 0


def test_values_that_postgres_refuses(engine: Engine) -> None:
    with pytest.raises(IntegrityError) as refused, transaction(engine) as connection:
        execute(connection, "INSERT INTO lanes (lane) VALUES (:lane), (:lane)", {"lane": 900})
    assert violated(refused.value) == "lanes_pkey"
    assert refuses_values(refused.value)

    with pytest.raises(DataError) as refused_here, transaction(engine) as connection:
        execute(connection, "SELECT CAST(:value AS text)", {"value": "\0"})
    assert refuses_values(refused_here.value)


def test_a_row_that_is_locked(engine: Engine) -> None:
    statement = "SELECT lane FROM lanes WHERE lane = :lane FOR UPDATE NOWAIT"
    with transaction(engine) as holder:
        execute(holder, statement, {"lane": 0})
        with pytest.raises(OperationalError) as locked, engine.begin() as connection:
            execute(connection, statement, {"lane": 0})
    assert sqlstate(locked.value) == "55P03"


def test_a_connection_that_is_lost_is_not_used_again(database_url: str, engine: Engine) -> None:
    own = make_engine(database_url, pool_size=1, pre_ping=False)
    try:
        with pytest.raises(PostgresUnavailable):  # noqa: PT012, SIM117 - the transaction says it, not a statement
            with transaction(own) as connection:
                [lost] = execute(connection, _WHO, {})
                with transaction(engine) as other:
                    assert other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), lost._asdict()).scalar()
                execute(connection, "SELECT 1", {})
        with transaction(own) as connection:
            assert list(execute(connection, _WHO, {})) != [lost]
    finally:
        own.dispose()
