"""Connections to Postgres: a SQLAlchemy engine over psycopg, its timeouts, and which errors mean "unavailable".

Every connection is READ COMMITTED: a statement sees what was committed before it began, so a check in a
*later* statement than the lock is valid (docs/locking.md rule 2). Nothing connects before the first use.
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

#: SQLSTATE classes of failures that are not the statement's: of the server, of the connection, or a conflict with
#: another transaction. The work is retried later.
TRANSIENT = ("08", "25", "26", "40", "53", "55", "57", "58")
#: SQLSTATE: the server takes no writes (any more), so the connection is useless, though it is open.
READ_ONLY = "25006"

#: A prepared statement keeps the plan of its first executions until the next ANALYZE. In a rush, a table that was
#: empty at that time soon has thousands of rows, and a plan that reads or hashes the whole table becomes too slow.
_BY_KEY = "".join(f" -c enable_{way}=off" for way in ("seqscan", "hashjoin", "mergejoin", "material"))

#: A setting without meaning to Postgres, by which the guard checks that our options reach the server (db/guard.py).
MARK = "onsale.options"


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

    `pre_ping`: make a round trip before each use of a pooled connection. Otherwise check only its socket, which shows
    whether the server has closed it, but not whether the network went silent.
    `by_key`: find rows by index, row by row, whatever table sizes Postgres assumes.
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
        connect_args=_connect_args(options, writes=writes),
    )
    _watch(engine, Patience(statement_timeout_ms, greet))
    if not pre_ping:
        event.listen(engine, "checkout", _refuse_ended)
    return engine


def _watch(engine: Engine, patience: Patience) -> None:
    """Have the engine connect through `patience`, and leave a server that takes no writes."""

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
            context.is_disconnect = True  # closes this connection, and those of the pool that are not newer


def _connect_args(options: str, *, writes: bool) -> dict[str, Any]:
    return {
        "application_name": "onsale",
        "connect_timeout": CONNECT_S,
        "target_session_attrs": "read-write" if writes else "any",
        "options": options,
        # Detect a silent server within seconds: first probe after 5 s, then every 2 s, at most 3; unacknowledged data
        # may be 5,000 ms old.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 5_000,
    }


def _options(statement_timeout_ms: int, lock_timeout_ms: int, idle_timeout_ms: int) -> str:
    return (
        f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
        f" -c idle_in_transaction_session_timeout={idle_timeout_ms} -c default_transaction_isolation=read\\ committed"
        f" -c timezone=UTC -c {MARK}=on"
    )


def _refuse_stale(connection: PatientConnection, _record: object, _proxy: object) -> None:
    """Reject a connection that is older than a failure seen on another one; the pool then opens a new one."""
    if connection.patience.stale(connection):
        raise DisconnectionError


def _refuse_ended(connection: PatientConnection, _record: object, _proxy: object) -> None:
    """Reject a connection that the server has closed; the pool then opens a new one.

    An idle connection is readable only if it has ended.
    """
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
    except psycopg.Error as error:
        raise DisconnectionError from error
    if poll.poll(0):
        raise DisconnectionError


def as_json(rows: Sequence[Any]) -> str:
    """Return rows for a statement (mappings or dataclasses) as one JSON text for json_to_recordset, in this order.

    psycopg dumps an array item by item in Python, which took a third of the drain's time; this is one call of
    native code.
    """
    return orjson.dumps(rows).decode()


def as_array(ids: Iterable[UUID]) -> str:
    """Return ids as an array literal for CAST(:ids AS uuid[]): one text, for the same reason as in `as_json`."""
    return "{" + ",".join(map(str, ids)) + "}"


def execute(connection: Connection, statement: str, values: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Execute a statement like connection.execute(text(statement), values), with the same errors, but faster.

    It bypasses SQLAlchemy, which takes twice psycopg's CPU for a small statement; a batch of a few entries costs
    little more than its dozen statements. Rows are named tuples.
    """
    driver: Any = connection.connection.driver_connection
    try:
        cursor: psycopg.Cursor[Any] = driver.cursor(row_factory=namedtuple_row)
        return cursor.execute(_for_psycopg(statement), values)
    except psycopg.Error as error:
        read_only = error.sqlstate == READ_ONLY  # then the pool's other connections are, too
        if read_only:
            driver.patience.renew()
        if lost := read_only or driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, dict(values), error, psycopg.Error, connection_invalidated=lost
        ) from error


def for_each(lookup: str) -> str:
    """Return SQL that joins the preceding rows of a FROM with `lookup`, a SELECT by key that runs once per row.

    Postgres may reverse the order of a normal join: scan the whole table and, for each of its rows, all given rows.
    It does so if the statement was planned while the table had five rows: a batch of 500 at a show of 50,000 seats
    then takes seconds instead of milliseconds, until the next ANALYZE. The planner does not merge a subquery that has
    an OFFSET into the outer statement, so OFFSET 0 fixes the order. `by_key` makes each look-up use an index.
    """
    return f"CROSS JOIN LATERAL ({lookup} OFFSET 0)"


@lru_cache(maxsize=64)
def _for_psycopg(statement: str) -> Any:
    """Return the statement with its parameters in psycopg's form: %(name)s for :name."""
    return text(statement).compile(dialect=_DIALECT).string


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Run a block in a transaction: commit at its end, roll back if it raises.

    Raises: PostgresUnavailable: no connection could be made, or the connection or the server failed. If the answer to
    COMMIT was lost, the transaction may be committed: check before a retry.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        if is_unavailable(error):
            raise PostgresUnavailable(f"Postgres cannot be reached: {_brief(error)}") from error
        raise


def allow(connection: Connection, statement_timeout_ms: int) -> None:
    """Set the timeout of each statement (0: none) until the transaction ends."""
    driver: Any = connection.connection.driver_connection
    connection.execute(text(f"SET LOCAL statement_timeout = {statement_timeout_ms:d}"))
    driver.allow(statement_timeout_ms)


def is_unavailable(error: Exception) -> bool:
    """Return whether the error is a failure of Postgres or of the connection, not of the statement."""
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
    """Return whether Postgres or psycopg rejected the values (SQLSTATE class 22 or 23), so a retry is useless."""
    kinds = (psycopg.DataError, psycopg.IntegrityError)
    return isinstance(error.orig, kinds) or (sqlstate(error) or "")[:2] in ("22", "23")


def sqlstate(error: Exception) -> str | None:
    """Return the error's SQLSTATE, five characters; None if it did not come from the server."""
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def violated(error: Exception) -> str | None:
    """Return the name of the constraint that the statement violated; None if the error is another one."""
    diagnostics = getattr(getattr(error, "orig", error), "diag", None)
    return getattr(diagnostics, "constraint_name", None)


def _brief(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]
