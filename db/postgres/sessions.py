"""Sessions: one per log-in. Each has a generation, which its current refresh token names; no token is kept.

A refresh token is used once, for the next one. Used again much later, somebody has a copy: who of the two is the
thief cannot be told, so the whole session ends. Used again at once, it is most likely the same client, whose answer
was lost or which asks from two windows: it gets the same answer (docs/decisions/0016-signed-refresh-tokens.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

#: Seconds after its use in which a refresh token that comes again gets the same answer.
GRACE_S = 10
#: Sessions of one person; the next log-in ends the oldest.
MOST = 20


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that has not ended."""

    id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime


def insert_session(connection: Connection, user_id: UUID, ttl_s: int, token_ttl_s: int) -> UUID:
    """Open a session, in generation 0; the person's oldest ones beyond MOST end.

    Args:    ttl_s: how long the session lives.  token_ttl_s: how long its first access token does.
    """
    statement = text("""
        INSERT INTO sessions (user_id, expires_at, tokens_end_at)
        VALUES (:user_id, now() + make_interval(secs => :ttl_s), now() + make_interval(secs => :token_ttl_s))
        RETURNING id
    """)
    values = {"user_id": user_id, "ttl_s": ttl_s, "token_ttl_s": token_ttl_s}
    session_id: UUID = connection.execute(statement, values).scalar_one()
    surplus = text("""
        DELETE FROM sessions
         WHERE id IN (SELECT id
                        FROM sessions
                       WHERE user_id = :user_id
                       ORDER BY created_at DESC, id = :session_id DESC
                      OFFSET :most)
    """)
    connection.execute(surplus, {"user_id": user_id, "session_id": session_id, "most": MOST})
    return session_id


def advance(connection: Connection, session_id: UUID, generation: int, token_ttl_s: int) -> Session | None:
    """Use up the refresh token of a generation, for the next one and an access token that lives so long.

    None: it was used more than GRACE_S ago, or its session is over. A generation that the session has not reached
    is that of a token made before Postgres was restored from a backup: it is taken.
    Of two at once, the second waits for the first one's commit and is then a repetition.
    """
    statement = text("""
        UPDATE sessions
           SET generation = :generation + 1,
               refreshed_at = CASE WHEN generation <= :generation THEN now() ELSE refreshed_at END,
               tokens_end_at = greatest(tokens_end_at, now() + make_interval(secs => :token_ttl_s))
         WHERE id = :id AND expires_at > now()
           AND (generation <= :generation
                OR generation = :generation + 1 AND refreshed_at > now() - make_interval(secs => :grace_s))
        RETURNING id, user_id, created_at, expires_at
    """)
    values = {"id": session_id, "generation": generation, "token_ttl_s": token_ttl_s, "grace_s": GRACE_S}
    row = connection.execute(statement, values).one_or_none()
    return Session(*row) if row else None


def get_living(connection: Connection, session_id: UUID) -> Session | None:
    """A session that has not ended."""
    statement = text("""
        SELECT id, user_id, created_at, expires_at
          FROM sessions
         WHERE id = :id AND expires_at > now()
    """)
    row = connection.execute(statement, {"id": session_id}).one_or_none()
    return Session(*row) if row else None


def list_of_user(connection: Connection, user_id: UUID) -> list[Session]:
    """A person's sessions that have not ended, the newest first."""
    statement = text("""
        SELECT id, user_id, created_at, expires_at
          FROM sessions
         WHERE user_id = :user_id AND expires_at > now()
         ORDER BY created_at DESC, id
    """)
    return [Session(*row) for row in connection.execute(statement, {"user_id": user_id})]


def delete_session(connection: Connection, user_id: UUID, session: str) -> int | None:
    """End a person's session by its id's text, which may be no session's at all. Repeat: nothing happens.

    Returns: in how many seconds the last of its access tokens ends by itself; None: there is no such session.
    """
    statement = text("""
        DELETE FROM sessions
         WHERE user_id = :user_id AND id::text = :session
        RETURNING tokens_end_at - now()
    """)
    values = {"user_id": user_id, "session": session}
    left: timedelta | None = connection.execute(statement, values).scalar_one_or_none()
    return None if left is None else max(0, math.ceil(left.total_seconds()))


def delete_of_user(connection: Connection, user_id: UUID) -> None:
    """End all sessions of a person. Repeat: nothing happens."""
    connection.execute(text("DELETE FROM sessions WHERE user_id = :user_id"), {"user_id": user_id})


def delete_expired(connection: Connection, limit: int) -> int:
    """Forget up to `limit` sessions that are over; returns how many there were. Others at it take other rows."""
    statement = text("""
        DELETE FROM sessions
         WHERE id IN (SELECT id
                        FROM sessions
                       WHERE expires_at <= now()
                       ORDER BY expires_at
                       LIMIT :limit
                         FOR UPDATE SKIP LOCKED)
    """)
    connection.execute(text("SET LOCAL statement_timeout = '10s'"))
    return connection.execute(statement, {"limit": limit}).rowcount
