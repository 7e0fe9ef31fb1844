"""Databases for tests, each as a copy of the template: what a test left in one is deleted, and the next one uses it.

A copy takes as long as a hundred statements, for Postgres writes eight megabytes. One whose schema, settings or
size a test has changed is not used again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from proof.kit.servers import Servers

#: Kilobytes that the tables of a database may grow by before a new copy costs less than their dead rows.
MOST_GROWTH_KB = 4_096

END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
#: Changes with every statement that changes the schema, a privilege or the database's settings: such a statement
#: writes new versions of rows of the catalogue. The oids of what the schema makes begin at 16384.
CATALOGUE = """
    SELECT array[
        (SELECT sum(xmin::text::bigint) FROM pg_class WHERE oid >= 16384),
        (SELECT sum(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384),
        (SELECT sum(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384),
        (SELECT sum(xmin::text::bigint) FROM pg_trigger WHERE oid >= 16384),
        (SELECT sum(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384),
        (SELECT sum(xmin::text::bigint) FROM pg_namespace),
        (SELECT sum(xmin::text::bigint) FROM pg_default_acl),
        (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
         WHERE d.datname = current_database())
    ]
"""
SIZE_KB = """
    SELECT sum(pg_relation_size(oid)) / 1024 FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"

_numbers = itertools.count(1)


def url_of(servers: Servers, database: str) -> str:
    """The address of a database of the test server."""
    return servers.database_url.replace("/onsale?", f"/{database}?")


def connect(servers: Servers, database: str) -> psycopg.Connection:
    """Log in as the owner, outside any transaction."""
    address = url_of(servers, database).replace("postgresql+psycopg:", "postgresql:")
    return psycopg.connect(address, autocommit=True)


def administer(servers: Servers, statement: str) -> None:
    """Run one statement outside any transaction: CREATE and DROP DATABASE."""
    with connect(servers, "postgres") as connection:
        connection.execute(statement.encode())


@dataclass(slots=True)
class Databases:
    """The databases of one server, made from a template, which nobody changes."""

    servers: Servers
    template: str
    free: list[str] = field(default_factory=list)
    #: What a database has after it was made: rows per table, what CATALOGUE says, kilobytes of tables.
    rows: dict[str, bytes] = field(default_factory=dict)
    catalogue: list[int] = field(default_factory=list)
    size_kb: int = 0
    #: Empties the tables. As a replica it asks no trigger and no foreign key, and none of it changes the catalogue.
    empty: str = ""

    def __post_init__(self) -> None:
        with connect(self.servers, self.template) as connection:
            tables = [name for (name,) in connection.execute(TABLES)]
            for table in tables:
                with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                    rows = b"".join(bytes(part) for part in copy)
                if rows:
                    self.rows[table] = rows
            self.catalogue, self.size_kb = self._looks(connection)
            deletes = [f"DELETE FROM {table}" for table in tables]  # noqa: S608
            restarts = [f"SELECT setval('{name}', 1, false)" for (name,) in connection.execute(SEQUENCES)]
        self.empty = ";".join(["SET session_replication_role = replica", *deletes, *restarts])

    @contextmanager
    def one(self) -> Iterator[str]:
        """A database with the template's content; the name."""
        name = self.free.pop() if self.free else self._made()
        yield name
        if self._emptied(name):
            self.free.append(name)
        else:
            administer(self.servers, f"DROP DATABASE {name} WITH (FORCE)")

    def _made(self) -> str:
        name = f"test_{next(_numbers)}"
        administer(self.servers, f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return name

    def _emptied(self, name: str) -> bool:
        """End all sessions and give the database the template's content; False if it has become another."""
        try:
            with connect(self.servers, name) as connection:
                connection.execute(END_SESSIONS)
                catalogue, size_kb = self._looks(connection)
                if catalogue != self.catalogue or size_kb > self.size_kb + MOST_GROWTH_KB:
                    return False
                connection.execute(self.empty)
                for table, rows in self.rows.items():
                    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(rows)
        except psycopg.Error:
            return False
        return True

    def _looks(self, connection: psycopg.Connection) -> tuple[list[int], int]:
        [catalogue], [size_kb] = connection.execute(CATALOGUE).fetchone(), connection.execute(SIZE_KB).fetchone()
        return catalogue, size_kb
