"""Accounts of load tests: marked with the session of their tokens, so that both can be ended at once.

Only the database's owner creates them. Nobody can log in to them: they have no password.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from db.postgres.engine import allow

#: No argon2 hash, so no password fits it.
NO_PASSWORD = "!"
#: A statement inserts or deletes up to 100,000 accounts, milliseconds.
STATEMENT_MS = 60_000


def insert(connection: Connection, session: UUID, count: int) -> Sequence[UUID]:
    """Create `count` accounts that belong to this session; return their ids."""
    allow(connection, statement_timeout_ms=STATEMENT_MS)
    statement = text("""
        INSERT INTO users (email, email_key, password_hash, name, load_test)
        SELECT address, address, :no_password, 'Load test', :session
        FROM (
            SELECT format('%s@load-test.invalid', gen_random_uuid()) AS address
            FROM generate_series(1, :count)
        ) AS made
        RETURNING id
    """)
    values = {"no_password": NO_PASSWORD, "session": session, "count": count}
    return connection.execute(statement, values).scalars().all()


def list_sessions(connection: Connection) -> Sequence[UUID]:
    """Return the sessions to which accounts of load tests belong."""
    statement = text("""
        SELECT DISTINCT load_test
        FROM users
        WHERE load_test IS NOT NULL
        ORDER BY load_test
    """)
    return connection.execute(statement).scalars().all()


def delete(connection: Connection, sessions: Sequence[UUID]) -> int:
    """Delete the accounts of these sessions; return how many there were. Their bookings remain."""
    allow(connection, statement_timeout_ms=STATEMENT_MS)
    statement = text("DELETE FROM users WHERE load_test = ANY(CAST(:sessions AS uuid[]))")
    return connection.execute(statement, {"sessions": list(sessions)}).rowcount
