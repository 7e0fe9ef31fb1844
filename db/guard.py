"""What the servers must be like before anything rests on them: asked at the start of each api and worker.

Redis must keep what it has answered and never drop a key; Postgres must have every COMMIT on disk; and who logs
in there must not be able to do more than the process needs. Outside the local mode a process refuses to start
otherwise. A server that is away is asked as soon as it is there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Literal

from redis.exceptions import ResponseError
from sqlalchemy import Connection, Engine, text

from core import logs
from core.errors import AcceptUnknown, ConfigurationError, PostgresAway, RedisAway
from core.safety import refusal
from core.settings import Settings
from db.engine import make_engine, transaction
from db.rounds import Rounds

log = logs.logger(__name__)

Role = Literal["api", "worker"]
#: What each of them may not do: table, privilege.
FORBIDDEN: dict[Role, Sequence[tuple[str, str]]] = {
    "api": (
        ("seats", "UPDATE"), ("bookings", "INSERT"), ("bookings", "UPDATE"), ("bookings", "DELETE"),
        ("lanes", "UPDATE"), ("journal", "INSERT"), ("journal", "UPDATE"), ("journal", "DELETE"),
    ),
    "worker": (("users", "SELECT"), ("sessions", "SELECT"), ("journal", "UPDATE"), ("journal", "DELETE")),
}  # fmt: skip
#: Redis's settings, and what each must be.
REDIS = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no",
         "maxmemory-policy": "noeviction"}  # fmt: skip
#: Bytes that one waiting operation takes in Redis with its status, rounded up (docs/operations.md); and how much
#: of maxmemory all lanes may take when they are full.
ENTRY_BYTES = 1_500
LANES_SHARE = 0.4
#: Seconds between two tries to ask a server that is away; and how a process ends that must not go on (EX_CONFIG).
AGAIN_S = 1.0
EXIT_CODE = 78


def postgres_faults(connection: Connection, role: Role) -> list[str]:
    """What is wrong with Postgres, or with the rights of who is logged in there."""
    row = connection.execute(
        text("""
        SELECT rolname, rolsuper, rolcreaterole OR rolcreatedb OR rolreplication AS powerful,
               current_setting('fsync') AS fsync,
               current_setting('full_page_writes') AS full_page_writes,
               current_setting('synchronous_commit') AS synchronous_commit,
               current_setting('transaction_isolation') AS isolation
          FROM pg_roles
         WHERE rolname = current_user
    """)
    ).one()
    found = [
        f"Postgres has {name} off: what was confirmed could be lost"
        for name in ("fsync", "full_page_writes", "synchronous_commit")
        if getattr(row, name) == "off"
    ]
    if row.isolation != "read committed":
        found.append(f"Postgres works in {row.isolation}, not in read committed: checks would read old rows")
    member = f"DATABASE_URL must be of a member of onsale_{role}"
    if row.rolsuper:
        return [*found, f"{row.rolname} is a superuser of Postgres: {member}"]
    if row.powerful:
        found.append(f"{row.rolname} may make roles or databases, or replicate: {member}")
    may = [f"{privilege} {table}" for table, privilege in FORBIDDEN[role] if _may(connection, table, privilege)]
    if may:
        found.append(f"{row.rolname} may {', '.join(may)}: {member}, and of nothing else")
    return found


def redis_faults(rounds: Rounds, settings: Settings) -> list[str]:
    """What is wrong with Redis. Raises: RedisAway."""
    names = [*REDIS, "maxmemory"]
    try:
        replies = rounds.call([("CONFIG", "GET", name) for name in names], writes=False)
    except ResponseError:
        return ["REDIS_URL does not let us see how Redis is configured: allow CONFIG GET (+config|get)"]
    values = {name: reply[1] if reply else "" for name, reply in zip(names, replies, strict=True)}
    found = [
        f"Redis has {name} {values[name]}, not {wanted}: a 202 could be lost"
        for name, wanted in REDIS.items()
        if values[name] != wanted
    ]
    most, needed = int(values["maxmemory"] or 0), settings.lanes * settings.lane_cap * ENTRY_BYTES
    if not most:
        found.append("Redis has no maxmemory: it would take all, and be killed")
    elif needed > LANES_SHARE * most:
        found.append(
            f"TOTAL_CAP is too high: full lanes need {needed >> 20} MiB, more than {LANES_SHARE:.0%} of Redis's "
            f"maxmemory of {most >> 20} MiB"
        )
    return found


class Guard:
    """Looks at both servers once, when they are there. In the local mode it looks at nothing."""

    def __init__(self, settings: Settings, role: Role) -> None:
        self._settings = settings
        self._role = role
        self._left = set() if settings.mode == "local" else {"postgres", "redis"}

    def check(self) -> bool:
        """Look at what has not been looked at; False if a server is away, so that this is to be done again.

        Raises: ConfigurationError: the process must not go on.
        """
        found: list[str] = []
        try:
            if "redis" in self._left:
                found += self._look_at_redis()
                self._left.discard("redis")
            if "postgres" in self._left:
                found += self._look_at_postgres()
                self._left.discard("postgres")
        except (RedisAway, AcceptUnknown, PostgresAway) as error:
            log.warning("not_checked_yet", error=str(error))
        if found:
            raise refusal(found)
        return not self._left

    def start(self) -> None:
        """Check at once, and go on in a thread if a server is away. Raises: ConfigurationError."""
        if not self.check():
            threading.Thread(target=self._go_on, name="guard", daemon=True).start()

    def _go_on(self) -> None:
        pause = threading.Event()
        try:
            while not self.check():
                pause.wait(AGAIN_S)
        except ConfigurationError as error:
            log.error("refused", error=str(error))
            os._exit(EXIT_CODE)

    def _look_at_redis(self) -> list[str]:
        rounds = Rounds(self._settings.redis_url)
        try:
            return redis_faults(rounds, self._settings)
        finally:
            rounds.close()

    def _look_at_postgres(self) -> list[str]:
        engine: Engine = make_engine(self._settings.database_url, pool_size=1)
        try:
            with transaction(engine) as connection:
                return postgres_faults(connection, self._role)
        finally:
            engine.dispose()


def _may(connection: Connection, table: str, privilege: str) -> bool:
    statement = text("""
        SELECT has_any_column_privilege(oid, :privilege) OR has_table_privilege(oid, :privilege)
          FROM pg_class
         WHERE oid = to_regclass(:table)
    """)
    if privilege == "DELETE":  # columns have none
        statement = text("SELECT has_table_privilege(oid, :privilege) FROM pg_class WHERE oid = to_regclass(:table)")
    return bool(connection.execute(statement, {"table": table, "privilege": privilege}).scalar())
