"""Checks whether a process may rely on its servers: at the start of each api and worker, and at each new connection,
because an address may lead to a different server than before.

Redis must keep what it has acknowledged and never evict a key; Postgres must have every COMMIT on disk; and our role
in Postgres must not have more rights than the process needs. Outside the local mode, a process otherwise refuses to
start, and ends itself if it meets such a server later. A server that is down at startup is checked once it is up.
Whether a server accepts writes is checked by every connection, not here (db/postgres/engine.py, db/kv/demotion.py): a
server that does not is unavailable.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.rows import namedtuple_row
from redis.exceptions import ResponseError
from sqlalchemy import Engine
from sqlalchemy.exc import NoResultFound, ProgrammingError

from core import logs
from core.errors import AcceptUnknown, ConfigurationError, PostgresUnavailable, RedisUnavailable, WrongInstallation
from core.safety import refusal
from core.settings import Settings
from db import installation
from db.installation import Installation
from db.kv.demotion import Questions
from db.kv.rounds import Rounds
from db.postgres.engine import make_engine, transaction
from db.postgres.patience import Greet

log = logs.logger(__name__)

Role = Literal["api", "worker"]
#: What each role must not be able to do: table, privilege.
FORBIDDEN: dict[Role, Sequence[tuple[str, str]]] = {
    "api": (
        ("seats", "UPDATE"), ("bookings", "INSERT"), ("bookings", "UPDATE"), ("bookings", "DELETE"),
        ("lanes", "UPDATE"), ("journal", "INSERT"), ("journal", "UPDATE"), ("journal", "DELETE"),
    ),
    "worker": (("users", "SELECT"), ("sessions", "SELECT"), ("journal", "UPDATE"), ("journal", "DELETE")),
}  # fmt: skip
#: Required settings of Redis.
REDIS = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no",
         "maxmemory-policy": "noeviction"}  # fmt: skip
#: Bytes of one waiting operation in Redis with its status, rounded up (docs/operations.md).
ENTRY_BYTES = 1_500
#: Max share of maxmemory that all lanes may take when they are full.
LANES_SHARE = 0.4
#: Seconds between two checks of a server that is unavailable.
AGAIN_S = 1.0
#: Exit code of a process that ends itself because of an unsafe server (EX_CONFIG).
EXIT_CODE = 78


def postgres_faults(connection: psycopg.Connection[Any], role: Role) -> list[str]:
    """Return what is wrong with Postgres or with the rights of our role, in one round trip."""
    forbidden = [(table, privilege) for table, privilege in FORBIDDEN[role]]
    values = {"tables": [table for table, _ in forbidden], "privileges": [privilege for _, privilege in forbidden]}
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        row: Any = cursor.execute(_QUERY, values).fetchone()
    found = [
        f"Postgres has {name} off: what was confirmed could be lost"
        for name in _DURABLE
        if getattr(row, name) == "off"
    ]
    if row.isolation != "read committed":
        found.append(f"Postgres isolates by {row.isolation}, not read committed: checks would read old rows")
    if row.mark != "on":
        found.append(
            "the options of our connections do not reach Postgres: a pooler in between ignores them, and so all "
            "timeouts that the server keeps"
        )
    member = f"DATABASE_URL must be of a member of onsale_{role}"
    if row.rolsuper:
        return [*found, f"{row.rolname} is a superuser of Postgres: {member}"]
    if row.powerful:
        found.append(f"{row.rolname} may create roles or databases, or replicate: {member}")
    if row.may:
        found.append(f"{row.rolname} may {', '.join(row.may)}: {member}, and of nothing else")
    return found


#: If one of these is off, an acknowledged COMMIT may be lost, or the whole database.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
#: has_any_column_privilege is not called for DELETE, which columns do not have.
_QUERY: LiteralString = """
    SELECT rolname, rolsuper, rolcreaterole OR rolcreatedb OR rolreplication AS powerful,
        current_setting('fsync') AS fsync,
        current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('transaction_isolation') AS isolation,
        current_setting('onsale.options', true) AS mark,
        ARRAY(
            SELECT privilege || ' ' || name
            FROM unnest(%(tables)s::text[], %(privileges)s::text[]) WITH ORDINALITY AS _(name, privilege, number)
            JOIN pg_class ON pg_class.oid = to_regclass(name)
            WHERE has_table_privilege(pg_class.oid, privilege)
                OR CASE WHEN privilege <> 'DELETE' THEN has_any_column_privilege(pg_class.oid, privilege) END
            ORDER BY number
        ) AS may
    FROM pg_roles
    WHERE rolname = current_user
"""


def redis_faults(rounds: Rounds, settings: Settings) -> list[str]:
    """Return what is wrong with Redis. Raises: RedisUnavailable."""
    try:
        return _config_faults(rounds.call(_CONFIG, writes=False), settings)
    except ResponseError as error:
        return _config_faults([error], settings)


_CONFIG: Sequence[tuple[str, ...]] = [("CONFIG", "GET", name) for name in (*REDIS, "maxmemory")]


def _config_faults(replies: Sequence[Any], settings: Settings) -> list[str]:
    """Return what is wrong with a Redis, from its replies to _CONFIG."""
    if any(isinstance(reply, ResponseError) for reply in replies):
        return ["REDIS_URL does not let us see how Redis is configured: allow CONFIG GET (+config|get)"]
    values = {name: reply[1] if reply else "" for (_, _, name), reply in zip(_CONFIG, replies, strict=True)}
    found = [
        f"Redis has {name} {values[name]}, not {wanted}: a 202 could be lost"
        for name, wanted in REDIS.items()
        if values[name] != wanted
    ]
    most, needed = int(values["maxmemory"] or 0), settings.lanes * settings.lane_cap * ENTRY_BYTES
    if not most:
        found.append("Redis has no maxmemory: it could take all of the machine's memory, and be killed")
    elif needed > LANES_SHARE * most:
        found.append(
            f"TOTAL_CAP is too high: full lanes need {needed >> 20} MiB, more than {LANES_SHARE:.0%} of Redis's "
            f"maxmemory of {most >> 20} MiB"
        )
    return found


def for_postgres(settings: Settings, role: Role) -> Greet | None:
    """Return the check of each new connection to Postgres, which ends the process if the server is unsafe."""
    if settings.mode == "local":
        return None
    return lambda connection: _end_if_any(postgres_faults(connection, role))


def for_redis(settings: Settings) -> Questions | None:
    """Return the check of each new connection to Redis, which ends the process if the server is unsafe."""
    if settings.mode == "local":
        return None
    return Questions(_CONFIG, lambda replies: _end_if_any(_config_faults(replies, settings)))


def check_installation(engine: Engine, rounds: Rounds, settings: Settings) -> Installation:
    """Check that Postgres, Redis and LANES belong to one installation, and return it. A new Redis gets a copy.

    Raises: WrongInstallation: they are not.   ConfigurationError: there is none.
            PostgresUnavailable, RedisUnavailable, AcceptUnknown.
    """
    try:
        with transaction(engine) as connection:
            kept = installation.get(connection)
    except (NoResultFound, ProgrammingError) as error:
        raise ConfigurationError("DATABASE_URL: there is no installation. `onsale migrate` creates it.") from error
    if kept.lanes != settings.lanes:
        raise WrongInstallation(f"LANES: the installation has {kept.lanes} lanes, not {settings.lanes}.")
    installation.publish(rounds, kept)
    return kept


def _end_if_any(found: list[str]) -> None:
    if found:
        end(refusal(found))


def end(error: ConfigurationError) -> None:
    """End this process at once, from any thread: its next step could be unsafe."""
    log.error("refused", error=str(error))
    os._exit(EXIT_CODE)


class Guard:
    """Checks both servers once, as soon as they are up: whether they belong to one installation and, outside the
    local mode, whether they are safe."""

    def __init__(self, settings: Settings, role: Role) -> None:
        self._settings = settings
        self._role = role
        self._unchecked = {"installation"} | (set() if settings.mode == "local" else {"postgres", "redis"})

    def check(self) -> bool:
        """Check what is still unchecked; return False if a server is unavailable, so that a retry is needed.

        Raises: ConfigurationError: the process must not start, or must end.
        """
        found: list[str] = []
        try:
            if "redis" in self._unchecked:
                found += self._check_redis()
                self._unchecked.discard("redis")
            if "postgres" in self._unchecked:
                found += self._check_postgres()
                self._unchecked.discard("postgres")
            if "installation" in self._unchecked and not found:
                self._check_installation()
                self._unchecked.discard("installation")
        except (RedisUnavailable, AcceptUnknown, PostgresUnavailable) as error:
            log.warning("not_checked_yet", error=str(error))
        if found:
            raise refusal(found)
        return not self._unchecked

    def start(self) -> None:
        """Check at once, and continue in a thread if a server is unavailable. Raises: ConfigurationError."""
        if not self.check():
            threading.Thread(target=self._retry, name="guard", daemon=True).start()

    def _retry(self) -> None:
        pause = threading.Event()
        try:
            while not self.check():
                pause.wait(AGAIN_S)
        except ConfigurationError as error:
            end(error)

    def _check_redis(self) -> list[str]:
        rounds = Rounds(self._settings.redis_url)
        try:
            return redis_faults(rounds, self._settings)
        finally:
            rounds.close()

    def _check_installation(self) -> None:
        engine, rounds = make_engine(self._settings.database_url, pool_size=1), Rounds(self._settings.redis_url)
        try:
            check_installation(engine, rounds, self._settings)
        finally:
            engine.dispose()
            rounds.close()

    def _check_postgres(self) -> list[str]:
        found: list[str] = []
        engine = make_engine(
            self._settings.database_url,
            pool_size=1,
            greet=lambda connection: found.extend(postgres_faults(connection, self._role)),
        )
        try:
            with transaction(engine):
                return found
        finally:
            engine.dispose()
