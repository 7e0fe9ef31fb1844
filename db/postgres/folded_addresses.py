"""The keys of addresses that an older version compared by the database's lower(): folded once, by a migration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from core import logs
from core.texts import folded

log = logs.logger(__name__)

#: Accounts that are read at once.
PAGE = 10_000


def fold(connection: Connection) -> None:
    """Give every account the key of its address. Repeat: nothing is left to do.

    Two accounts may have addresses that were different to lower(), and are one when folded: straße@ and strasse@. The
    one that has the key already keeps it, else the older one gets it. The other keeps its key of before, which is
    nobody's else, and is found by it when it logs in (users.get_by_email); the log names it.
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
    """Accounts whose key is not that of their address: when they were made, which, and the key."""
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
