"""The one way into Postgres: a SQLAlchemy engine over psycopg, its timeouts, and what counts as away.

Every connection is READ COMMITTED: a statement sees what was committed before it began, so a check in a
*later* statement than the lock is true (docs/locking.md rule 2). Nothing connects before the first use.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import PostgresUnavailable
from db.postgres.patience import CONNECT_S, POOL_S, Greet, Patience, PatientConnection

#: SQLSTATE classes that say nothing about the statement: the server or the connection is in trouble, or
#: another transaction was in the way. Work that failed so is done again, later.
TRANSIENT = ("08", "25", "26", "40", "53", "55", "57", "58")
#: SQLSTATE: the server takes no writes (any more), so the connection is of no use, though it is open.
READ_ONLY = "25006"

#: A prepared statement keeps the plan of its first executions until the next ANALYZE, and in a rush a table that was
#: empty then has thousands of rows: a plan that reads it whole, or joins it row against row, was right only then.
_BY_KEY = "".join(f" -c enable_{way}=off" for way in ("seqscan", "hashjoin", "mergejoin", "material"))

#: A setting that means nothing to Postgres: by it the guard sees that our options reach the server (db/guard.py).
MARK = "onsale.options"

#: A server that went silent is found so within seconds. Seconds, times, and ms.
_FOUND_DEAD = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 5_000}


def make_engine(
    url: str,
    *,
    pool_size: int,
    statement_timeout_ms: int = 3_000,
    lock_timeout_ms: int = 2_000,
    idle_timeout_ms: int = 5_000,
    pre_ping: bool = True,
    by_key: bool = False,
    writes: bool = True,
    greet: Greet | None = None,
) -> Engine:
    """Return an engine for one process. Times are in milliseconds; patience.py has those kept by our own clock.

    `pre_ping`: a round trip before each use of a pooled connection. Without it a look at the socket, which costs no
    round trip and finds a connection that the server ended, not one whose network went silent.
    `by_key`: statements find their rows by index, row by row, whatever Postgres believes of the tables' sizes.
    `writes`: connect only to a server that takes writes; False: a replica will do.
    `greet`: called with each new connection before its first use (db/guard.py).
    """
    options = _options(statement_timeout_ms, lock_timeout_ms, idle_timeout_ms) + _BY_KEY * by_key
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_S,
        pool_pre_ping=pre_ping,
        json_deserializer=orjson.loads,
        connect_args={
            "connect_timeout": CONNECT_S,
            "target_session_attrs": "read-write" if writes else "any",
            "options": options,
            **_FOUND_DEAD,
            "application_name": "onsale",
        },
    )
    _watch(engine, Patience(statement_timeout_ms, greet))
    if not pre_ping:
        event.listen(engine, "checkout", _refuse_ended)
    return engine


def _watch(engine: Engine, patience: Patience) -> None:
    """Connect by way of db/postgres/patience.py, and leave a server that takes no writes."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: Sequence[Any], parameters: Any) -> PatientConnection:
        return patience.connect(*args, **parameters)

    event.listen(engine, "checkout", _refuse_stale)

    @event.listens_for(engine, "checkin")
    def check_in(connection: PatientConnection | None, _record: object) -> None:
        if connection is not None:
            patience.restore(connection)

    @event.listens_for(engine, "handle_error")
    def handle(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
            context.is_disconnect = True  # closes it, and all of the pool that are not newer


def _options(statement_timeout_ms: int, lock_timeout_ms: int, idle_timeout_ms: int) -> str:
    return (
        f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
        f" -c idle_in_transaction_session_timeout={idle_timeout_ms} -c default_transaction_isolation=read\\ committed"
        f" -c timezone=UTC -c {MARK}=on"
    )


def _refuse_stale(connection: PatientConnection, _record: object, _proxy: object) -> None:
    """What was found out through another connection counts for this one: the pool opens another in its place."""
    if connection.patience.stale(connection):
        raise DisconnectionError


def _refuse_ended(connection: PatientConnection, _record: object, _proxy: object) -> None:
    """An idle connection has nothing to read but its end; the pool opens another one in its place."""
    look = select.poll()
    try:
        look.register(connection.fileno(), select.POLLIN)
    except psycopg.Error as error:
        raise DisconnectionError from error
    if look.poll(0):
        raise DisconnectionError


def as_json(rows: Sequence[Any]) -> str:
    """Rows for a statement (mappings, or dataclasses as they are), as one JSON text that json_to_recordset reads.

    psycopg dumps an array item by item in Python, which took a third of the drain's time; this is one call of
    native code. The order of the rows is kept.
    """
    return orjson.dumps(rows).decode()


def as_array(ids: Iterable[UUID]) -> str:
    """Ids as the text of an array, for CAST(:ids AS uuid[]): in one piece, for the same reason."""
    return "{" + ",".join(map(str, ids)) + "}"


def execute(connection: Connection, statement: str, values: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Execute one of a batch's statements: as connection.execute(text(statement), values) does, errors and all.

    It goes past SQLAlchemy to the psycopg connection below: for a small statement SQLAlchemy takes twice the CPU
    that psycopg takes, and a batch of a few entries costs what its dozen statements cost. Rows are named tuples.
    """
    driver: Any = connection.connection.driver_connection
    try:
        cursor: psycopg.Cursor[Any] = driver.cursor(row_factory=namedtuple_row)
        return cursor.execute(_for_psycopg(statement), values)
    except psycopg.Error as error:
        read_only = error.sqlstate == READ_ONLY  # then so are the others of the pool
        if read_only:
            driver.patience.renew()
        if lost := read_only or driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, dict(values), error, psycopg.Error, connection_invalidated=lost
        ) from error


def for_each(lookup: str) -> str:
    """SQL that follows a statement's rows in its FROM: `lookup`, a SELECT by key, is done once for each of them.

    Postgres may turn a plain join around: read the whole table and, for each of its rows, all rows of the statement.
    It does so if it planned the statement while the table held five rows: a batch of 500 at a show of 50,000 seats
    then takes seconds instead of milliseconds, until the next ANALYZE. A SELECT with an OFFSET is not merged into the
    statement around it, so the order stays. That each look-up goes by index is what `by_key` is for.
    """
    return f"CROSS JOIN LATERAL ({lookup} OFFSET 0)"


@lru_cache(maxsize=64)
def _for_psycopg(statement: str) -> Any:
    """The statement with its parameters as psycopg writes them: %(name)s for :name."""
    return text(statement).compile(dialect=_DIALECT).string


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction: committed at the end of the block, rolled back if it raises.

    Raises: PostgresUnavailable when there is no connection, or it or the server fails in the middle. Of a COMMIT
    whose answer was lost nobody knows whether it happened: look before doing it again.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        if is_unavailable(error):
            raise PostgresUnavailable(f"Postgres cannot be reached: {_brief(error)}") from error
        raise


def allow(connection: Connection, statement_timeout_ms: int) -> None:
    """Let each statement take so long (0: as long as it takes), until the transaction ends."""
    driver: Any = connection.connection.driver_connection
    connection.execute(text(f"SET LOCAL statement_timeout = {statement_timeout_ms:d}"))
    driver.allow(statement_timeout_ms)


def is_unavailable(error: Exception) -> bool:
    """Whether the error means that Postgres or the way to it is in trouble, not that the statement is wrong."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = sqlstate(error)
    if state is None:
        return error.connection_invalidated or isinstance(
            error.orig, psycopg.OperationalError | psycopg.InterfaceError
        )
    return state[:2] in TRANSIENT


def refuses_values(error: DBAPIError) -> bool:
    """Whether Postgres, or psycopg before it, refuses the values: SQLSTATE class 22 or 23. Trying again is no use."""
    kinds = (psycopg.DataError, psycopg.IntegrityError)
    return isinstance(error.orig, kinds) or (sqlstate(error) or "")[:2] in ("22", "23")


def sqlstate(error: Exception) -> str | None:
    """The five letters of the error's SQLSTATE, None if it came from no server."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def violated(error: Exception) -> str | None:
    """The name of the constraint that the statement violated, None if it was something else."""
    diagnostics = getattr(getattr(error, "orig", error), "diag", None)
    return getattr(diagnostics, "constraint_name", None)


def _brief(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]
