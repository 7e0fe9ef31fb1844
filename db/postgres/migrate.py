"""The schema step: an empty database gets schema.sql, an older one the numbered migrations that it lacks.

The files of db/postgres/migrations are numbered without gaps and only ever added. A function can complete a file,
right after it and in the same transaction, where SQL is not enough. A database with a number that this program does
not know is newer, and refused. An advisory lock makes concurrent starts take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from core.errors import SchemaError
from db.postgres import folded_addresses
from db.postgres.engine import allow, transaction

SCHEMA = Path(__file__).parents[2] / "schema.sql"
FOLDER = Path(__file__).parent / "migrations"
#: Key of the advisory lock, unique to this step: the letters of "onsale".
_LOCK = 0x6F6E73616C65
#: The functions that complete a file, by the file's name.
AFTER: dict[str, Callable[[Connection], None]] = {"accounts": folded_addresses.fold}


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    path: Path


def known(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of this program, in order. Raises SchemaError if their numbers are not 1, 2, 3 ..."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        number, _, name = path.stem.partition("_")
        found.append(Migration(int(number), name, path))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise SchemaError("The files of db/postgres/migrations are not numbered 1, 2, 3 ...")
    return found


def migrate(engine: Engine, migrations: Sequence[Migration] | None = None, *, schema: Path = SCHEMA) -> list[int]:
    """Bring the database to this program's schema; return the versions applied now.

    Raises: SchemaError: the database is newer.  PostgresUnavailable.   Repeat: nothing is left to do.
    Locks:  an advisory lock, for the whole step; one transaction, so a failing file leaves no trace.
    """
    migrations = known() if migrations is None else migrations
    with transaction(engine) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        allow(connection, statement_timeout_ms=0)
        applied = _applied(connection)
        newest = migrations[-1].version
        if applied is None:
            _run(connection, schema)
            _note(connection, migrations)
            return [migration.version for migration in migrations]
        if applied and max(applied) > newest:
            raise SchemaError(
                f"The database's schema has version {max(applied)}; this program knows {newest} and nothing newer."
            )
        lacking = [migration for migration in migrations if migration.version not in applied]
        for migration in lacking:
            _run(connection, migration.path)
            if migration.name in AFTER:
                AFTER[migration.name](connection)
        _note(connection, lacking)
        return [migration.version for migration in lacking]


def _applied(connection: Connection) -> set[int] | None:
    """Return the versions that the database has; None if it has no schema at all."""
    if connection.execute(text("SELECT to_regclass('schema_migrations')")).scalar() is None:
        return None
    return set(connection.execute(text("SELECT version FROM schema_migrations")).scalars())


def _run(connection: Connection, path: Path) -> None:
    """Run a file of many statements, as one simple query without parameters."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(path.read_text())


def _note(connection: Connection, migrations: Sequence[Migration]) -> None:
    statement = text("""
        INSERT INTO schema_migrations (version, name)
        SELECT version, name
        FROM unnest(CAST(:versions AS integer[]), CAST(:names AS text[])) AS new (version, name)
    """)
    values = {
        "versions": [migration.version for migration in migrations],
        "names": [migration.name for migration in migrations],
    }
    connection.execute(statement, values)
