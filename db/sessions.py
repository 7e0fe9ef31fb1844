"""Sessions: one per log-in, the family of its refresh tokens. Only hashes of those are kept.

A refresh token is used once, for the next one. Used twice, somebody has a copy: who of the two is the thief
cannot be told, so the whole session ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

#: Sessions of one person; the next log-in ends the oldest.
MOST = 20


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that has not ended."""

    id: UUID
    user_id: UUID
    created_at: datetime
    expires_at: datetime


def insert_session(connection: Connection, user_id: UUID, token_hash: bytes, ttl_s: int) -> UUID:
    """Open a session with its first refresh token; the person's oldest ones beyond MOST end."""
    statement = text("""
        INSERT INTO sessions (user_id, expires_at)
        VALUES (:user_id, now() + make_interval(secs => :ttl_s))
        RETURNING id
    """)
    session_id: UUID = connection.execute(statement, {"user_id": user_id, "ttl_s": ttl_s}).scalar_one()
    add_token(connection, session_id, token_hash)
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


def add_token(connection: Connection, session_id: UUID, token_hash: bytes) -> None:
    """Make this the session's current refresh token; the one before must be used."""
    statement = text("""
        INSERT INTO refresh_tokens (hash, session_id)
        VALUES (:hash, :session_id)
    """)
    connection.execute(statement, {"hash": token_hash, "session_id": session_id})


def use_token(connection: Connection, token_hash: bytes) -> Session | None:
    """Use up a refresh token; None if it is unknown, used, or its session is over.

    Of two at once, one succeeds: the other waits for its commit and then finds it used.
    """
    statement = text("""
        UPDATE refresh_tokens
           SET used_at = now()
          FROM sessions
         WHERE hash = :hash AND used_at IS NULL AND sessions.id = session_id AND sessions.expires_at > now()
        RETURNING sessions.id, sessions.user_id, sessions.created_at, sessions.expires_at
    """)
    row = connection.execute(statement, {"hash": token_hash}).one_or_none()
    return Session(*row) if row else None


def session_of_used(connection: Connection, token_hash: bytes) -> Session | None:
    """The session of a refresh token that has been used before; None if it is unknown, or current."""
    statement = text("""
        SELECT sessions.id, sessions.user_id, sessions.created_at, sessions.expires_at
          FROM refresh_tokens
          JOIN sessions ON sessions.id = session_id
         WHERE hash = :hash AND used_at IS NOT NULL
    """)
    row = connection.execute(statement, {"hash": token_hash}).one_or_none()
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


def delete_session(connection: Connection, session_id: UUID) -> None:
    """End a session: none of its refresh tokens works any more. Repeat: nothing happens."""
    connection.execute(text("DELETE FROM sessions WHERE id = :id"), {"id": session_id})


def delete_named(connection: Connection, user_id: UUID, session: str) -> None:
    """End a person's session by its id's text, which may be no session's at all. Repeat: nothing happens."""
    statement = text("DELETE FROM sessions WHERE user_id = :user_id AND id::text = :session")
    connection.execute(statement, {"user_id": user_id, "session": session})


def delete_of_user(connection: Connection, user_id: UUID) -> None:
    """End all sessions of a person. Repeat: nothing happens."""
    connection.execute(text("DELETE FROM sessions WHERE user_id = :user_id"), {"user_id": user_id})


def delete_expired(connection: Connection, limit: int) -> int:
    """Forget up to `limit` sessions that are over; returns how many there were."""
    statement = text("""
        DELETE FROM sessions
         WHERE id IN (SELECT id FROM sessions WHERE expires_at <= now() ORDER BY expires_at LIMIT :limit)
    """)
    return connection.execute(statement, {"limit": limit}).rowcount
