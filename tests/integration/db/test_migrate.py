"""The schema step: schema.sql and the migrations agree; older is upgraded, newer refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from core.errors import ConfigurationError, SchemaError
from db import installation
from db.postgres import folded_addresses, users
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import FOLDER, SCHEMA, Migration, known, migrate
from proof.kit.servers import Servers
from tests.support.databases import administer, url_of

_names = itertools.count(1)
#: The migration that folds addresses.
ACCOUNTS = next(migration.version for migration in known() if migration.name == "accounts")


@pytest.fixture
def empty(servers: Servers) -> Iterator[Engine]:
    name = f"empty_{next(_names)}"
    administer(servers, f"CREATE DATABASE {name}")
    engine = make_engine(url_of(servers, name), pool_size=2)
    yield engine
    engine.dispose()
    administer(servers, f"DROP DATABASE {name} WITH (FORCE)")


CATALOGUE = """
    SELECT 'column', format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', format('%s %s', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'options', format('%s %s', relname, reloptions)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL
    SELECT 'grant', format('%s %s', relname, item)
    FROM pg_class, unnest(relacl) item WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'grant', format('%s.%s %s', attrelid::regclass, attname, item)
    FROM pg_attribute, unnest(attacl) item
    UNION ALL
    SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2
"""


def catalogue(engine: Engine) -> list[tuple[str, str]]:
    with transaction(engine) as connection:
        return [(row[0], row[1]) for row in connection.exec_driver_sql(CATALOGUE)]


def test_the_migrations_and_schema_sql_give_the_same_catalogue(empty: Engine, engine: Engine, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.sql"
    first, *rest = known()
    nothing.write_text(first.path.read_text())
    migrate(empty, [first], schema=nothing)
    migrate(empty, [first, *rest])

    assert catalogue(empty) == catalogue(engine)


def test_addresses_are_folded_and_nobody_is_locked_out(empty: Engine, tmp_path: Path) -> None:
    """Three addresses are equal only when case-folded: each account still logs in, and no fourth can be created."""
    nothing = tmp_path / "nothing.sql"
    before = [migration for migration in known() if migration.version < ACCOUNTS]
    nothing.write_text(before[0].path.read_text())
    migrate(empty, before[:1], schema=nothing)
    migrate(empty, before)
    emails = [
        "stra\u00dfe@x.example",
        "STRASSE@x.example",
        "\u03c3\u03c2@x.example",
        "Alice@x.example",
        "a\u0308@x.example",
    ]
    with transaction(empty) as connection:
        for email in emails:
            insert = text("INSERT INTO users (email, password_hash) VALUES (:email, '')")
            connection.execute(insert, {"email": email})

    migrate(empty)

    with transaction(empty) as connection:
        for email in emails:
            found = users.get_by_email(connection, email)
            assert found is not None
            assert found[0].email == email
        for spelling, email in {
            "strasse@X.example": emails[1],
            "\u03a3\u03a3@x.example": emails[2],
            " aLICE@x.example": emails[3],
            "\u00c4@x.example": emails[4],
        }.items():
            found = users.get_by_email(connection, spelling)
            assert found is not None
            assert found[0].email == email
    for taken in ("Stra\u00dfe@X.example", "\u00e4@x.example"):
        with pytest.raises(users.EmailTaken), transaction(empty) as connection:
            users.insert_user(connection, taken, "", "")
    with transaction(empty) as connection:
        folded_addresses.fold(connection)


def test_an_older_database_is_upgraded_and_keeps_its_rows(empty: Engine, tmp_path: Path) -> None:
    migrate(empty)
    with transaction(empty) as connection:
        installation.create(connection, 8)
    newer = tmp_path / "more.sql"
    newer.write_text("CREATE TABLE more (id integer); INSERT INTO more SELECT lanes FROM installation;")
    migrations = [*known(), Migration(len(known()) + 1, "more", newer)]

    assert migrate(empty, migrations) == [len(known()) + 1]
    assert migrate(empty, migrations) == []

    with transaction(empty) as connection:
        assert connection.execute(text("SELECT id FROM more")).scalar() == 8


def test_a_failing_migration_leaves_no_trace(empty: Engine, tmp_path: Path) -> None:
    migrate(empty)
    before = catalogue(empty)
    broken = tmp_path / "broken.sql"
    broken.write_text("CREATE TABLE half (id integer); SELECT 1/0;")

    with pytest.raises(Exception, match="division by zero"):
        migrate(empty, [*known(), Migration(len(known()) + 1, "broken", broken)])

    assert catalogue(empty) == before


def test_a_newer_database_is_refused(empty: Engine) -> None:
    migrate(empty)
    with transaction(empty) as connection:
        connection.execute(text("INSERT INTO schema_migrations (version, name) VALUES (999, 'future')"))

    with pytest.raises(SchemaError, match="999"):
        migrate(empty)


def test_migrations_are_numbered_without_gaps(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("")
    (tmp_path / "0003_b.sql").write_text("")

    with pytest.raises(SchemaError):
        known(tmp_path)
    assert SCHEMA.exists()
    assert known(FOLDER)


def test_the_number_of_lanes_is_never_changed(empty: Engine) -> None:
    migrate(empty)
    with transaction(empty) as connection:
        drawn = installation.create(connection, 8)
    with transaction(empty) as connection:
        assert installation.create(connection, 8) == drawn

    with pytest.raises(ConfigurationError, match="LANES"), transaction(empty) as connection:
        installation.create(connection, 4)
