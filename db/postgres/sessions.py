"""Sessions: one per log-in. Each has a generation, which its current refresh token names; no token is stored.

A refresh token can be used once, for its successor. If it is used again later, somebody has a copy; which of the two
is the thief cannot be known, so the whole session ends. If it is used again within seconds, it is most likely the
same client, which lost the answer or has two windows: it gets the same answer again
(docs/decisions/0016-signed-refresh-tokens.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

#: Seconds after its use in which a refresh token that is used again gets the same answer.
GRACE_S = 10
#: Max sessions per user; the next log-in ends the oldest.
MOST = 20


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended."""

    id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime


def insert_session(connection: Connection, user_id: UUID, ttl_s: int, token_ttl_s: int) -> UUID:
    """Create a session in generation 0, and end the user's oldest sessions beyond MOST.

    Args:    ttl_s: lifetime of the session, seconds.  token_ttl_s: lifetime of its first access token, seconds.
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
        WHERE id IN (
            SELECT id
            FROM sessions
            WHERE user_id = :user_id
            ORDER BY created_at DESC, id = :session_id DESC
            OFFSET :most
        )
    """)
    connection.execute(surplus, {"user_id": user_id, "session_id": session_id, "most": MOST})
    return session_id


def advance(connection: Connection, session_id: UUID, generation: int, token_ttl_s: int) -> Session | None:
    """Use the refresh token of a generation: advance the session to the next one, and return the session.

    Args: token_ttl_s: lifetime of the new access token, seconds.
    None: the token was used more than GRACE_S ago, or its session has ended. A generation ahead of the session's is
    accepted: the token was issued before Postgres was restored from a backup.
    Of two concurrent calls, the second waits for the first one's commit and then counts as a repetition.
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
    """Return a session; None if it has ended or does not exist."""
    statement = text("""
        SELECT id, user_id, created_at, expires_at
        FROM sessions
        WHERE id = :id AND expires_at > now()
    """)
    row = connection.execute(statement, {"id": session_id}).one_or_none()
    return Session(*row) if row else None


def list_of_user(connection: Connection, user_id: UUID) -> list[Session]:
    """Return a user's sessions that have not ended, newest first."""
    statement = text("""
        SELECT id, user_id, created_at, expires_at
        FROM sessions
        WHERE user_id = :user_id AND expires_at > now()
        ORDER BY created_at DESC, id
    """)
    return [Session(*row) for row in connection.execute(statement, {"user_id": user_id})]


def delete_session(connection: Connection, user_id: UUID, session: str) -> int | None:
    """End a user's session. `session`: its id as text, possibly invalid. Repeat: nothing happens.

    Returns: seconds until the last of its access tokens expires; None if there is no such session.
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
    """End all sessions of a user. Repeat: nothing happens."""
    connection.execute(text("DELETE FROM sessions WHERE user_id = :user_id"), {"user_id": user_id})


def delete_expired(connection: Connection, limit: int) -> int:
    """Delete up to `limit` expired sessions and return how many. Concurrent calls delete different rows."""
    statement = text("""
        DELETE FROM sessions
        WHERE id IN (
            SELECT id
            FROM sessions
            WHERE expires_at <= now()
            ORDER BY expires_at
            LIMIT :limit
            FOR UPDATE SKIP LOCKED
        )
    """)
    connection.execute(text("SET LOCAL statement_timeout = '10s'"))
    return connection.execute(statement, {"limit": limit}).rowcount
