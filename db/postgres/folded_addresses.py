"""The migration of e-mail keys, which an older version made with the database's lower(): fold them once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from core import logs
from core.texts import folded

log = logs.logger(__name__)

#: Accounts per read.
PAGE = 10_000


def fold(connection: Connection) -> None:
    """Set every account's key to its folded address. Repeat: nothing is left to do.

    Two addresses that lower() kept apart may be equal when folded: straße@ and strasse@. The account that already has
    the key keeps it, otherwise the older account gets it. The other account keeps its previous, unique key, by which
    users.get_by_email finds it at log-in; the log names it.
    """
    statement = text("""
        UPDATE users
        SET email_key = :key
        WHERE id = :id AND NOT EXISTS (SELECT FROM users WHERE email_key = :key)
    """)
    for _, id_, key in sorted(_unfolded(connection)):
        if connection.execute(statement, {"id": id_, "key": key}).rowcount == 0:
            log.warning("address_not_folded", user_id=str(id_))


def _unfolded(connection: Connection) -> Iterator[tuple[datetime, UUID, str]]:
    """Yield the accounts whose key is not their folded address: creation time, id, and the folded address."""
    statement = text("""
        SELECT id, email, email_key, created_at
        FROM users
        WHERE id > :after
        ORDER BY id
        LIMIT :limit
    """)
    after, rows = UUID(int=0), PAGE
    while rows == PAGE:
        found = connection.execute(statement, {"after": after, "limit": PAGE}).all()
        rows = len(found)
        for row in found:
            after = row.id
            if (key := folded(row.email)) != row.email_key:
                yield row.created_at, row.id, key
