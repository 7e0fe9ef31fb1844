"""Revoked access tokens. Postgres keeps the revocations, Redis distributes them to the apis.

In Redis they are a stream, so that an api reads only new ones every second. If Redis has lost entries, the last one
that the api has read is missing, and the api reads them all from Postgres.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.times import to_ms
from db.kv import keys
from db.kv.rounds import Command, Rounds

#: Max entries per read.
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Revocation:
    """Revokes every token of a session, or (`session` "") all tokens of a user with a lower version.

    `expires_s`: when the last of these tokens has expired, seconds since 1970.
    """

    session: str = ""
    user_id: str = ""
    version: int = 0
    expires_s: int = 0


def insert_of_session(connection: Connection, session: str, ttl_s: int) -> Revocation:
    """Revoke every token of a session; `ttl_s`: their max remaining lifetime, seconds."""
    statement = text("""
        INSERT INTO revocations (session_id, expires_at)
        VALUES (:session, now() + make_interval(secs => :ttl_s))
        RETURNING expires_at
    """)
    expires_at = connection.execute(statement, {"session": session, "ttl_s": ttl_s}).scalar_one()
    return Revocation(session=session, expires_s=_seconds(expires_at))


def insert_of_user(connection: Connection, user_id: UUID, version: int, ttl_s: int) -> Revocation:
    """Revoke all tokens of a user with a version below `version`; `ttl_s`: their max remaining lifetime, seconds."""
    statement = text("""
        INSERT INTO revocations (user_id, version, expires_at)
        VALUES (:user_id, :version, now() + make_interval(secs => :ttl_s))
        RETURNING expires_at
    """)
    values = {"user_id": user_id, "version": version, "ttl_s": ttl_s}
    expires_at = connection.execute(statement, values).scalar_one()
    return Revocation(user_id=str(user_id), version=version, expires_s=_seconds(expires_at))


def list_live(connection: Connection) -> Iterator[Revocation]:
    """Yield all revocations whose tokens may not have expired; holds one page in memory at a time."""
    statement = text("""
        SELECT id, session_id, user_id, version, expires_at
        FROM revocations
        WHERE id > :after AND expires_at > now()
        ORDER BY id
        LIMIT :limit
    """)
    after, rows = 0, PAGE
    while rows == PAGE:
        found = connection.execute(statement, {"after": after, "limit": PAGE}).all()
        rows = len(found)
        for row in found:
            after = row.id
            yield Revocation(row.session_id or "", str(row.user_id or ""), row.version or 0, _seconds(row.expires_at))


def delete_expired(connection: Connection, limit: int) -> int:
    """Delete up to `limit` revocations whose tokens have expired; return how many."""
    statement = text("""
        DELETE FROM revocations
        WHERE id IN (
            SELECT id
            FROM revocations
            WHERE expires_at <= now()
            ORDER BY expires_at
            LIMIT :limit
        )
    """)
    connection.execute(text("SET LOCAL statement_timeout = '10s'"))
    return connection.execute(statement, {"limit": limit}).rowcount


def publish(rounds: Rounds, revocation: Revocation, *, now_s: float, ttl_s: int) -> None:
    """Append to the stream and drop entries older than `ttl_s`.

    Raises: RedisUnavailable, AcceptUnknown.   Repeat: harmless, the entry is there twice.
    """
    oldest = ("MINID", "~", int((now_s - ttl_s) * 1000))
    rounds.call([_append(revocation, oldest)], writes=True)


def read(rounds: Rounds, after: str) -> tuple[bool, str, list[Revocation]]:
    """Read the stream after this id ("0": from its start), one page at most.

    Returns: whether the entry `after` is still there; the last id read ("0" if that entry is gone and nothing was
             read); and the revocations.   Raises: RedisUnavailable.
    """
    start, count = ("-", PAGE) if after == "0" else (after, PAGE + 1)
    [entries] = rounds.call([("XRANGE", keys.REVOKED, start, "+", "COUNT", count)], writes=False)
    there = after == "0" or (bool(entries) and entries[0][0] == after)
    if there and after != "0":
        del entries[0]
    found = [_parse(dict(zip(flat[::2], flat[1::2], strict=True))) for _, flat in entries]
    return there, entries[-1][0] if entries else after if there else "0", found


def _append(entry: Revocation, trim: tuple[str, str, int]) -> Command:
    fields = ("s", entry.session, "u", entry.user_id, "v", entry.version, "x", entry.expires_s)
    return ("XADD", keys.REVOKED, *trim, "*", *fields)


def _parse(fields: dict[str, Any]) -> Revocation:
    return Revocation(fields["s"], fields["u"], int(fields["v"]), int(fields["x"]))


def _seconds(expires_at: datetime) -> int:
    return to_ms(expires_at) // 1000 + 1
