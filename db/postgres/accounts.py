"""Accounts as administrators see them: lists, and who is the box office. db/postgres/users.py has the rest."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from core.texts import folded
from db.postgres.users import User, user_of


def list_users(
    connection: Connection, *, email: str | None, role: str | None, after: str | None, limit: int
) -> list[tuple[User, str]]:
    """Return accounts by address, each with its key, the folded address.

    Args:    email: the whole address, in any case and spelling.   after: only those that follow this key.
    """
    given = {"key": folded(email) if email is not None else None, "role": role, "after": after}
    values = {name: value for name, value in given.items() if value is not None}
    conditions = " AND ".join(_CONDITIONS[name] for name in values) or "true"
    if role not in (None, "user"):
        conditions += " AND role <> 'user'"  # so that the partial index users_with_role is used
    statement = text(f"""
        SELECT id, email, name, role, created_at, token_version, email_key
        FROM users
        WHERE {conditions}
        ORDER BY email_key
        LIMIT :limit
    """)  # noqa: S608 - constants
    rows = connection.execute(statement, {**values, "email": email, "limit": limit})
    return [(user_of(row), row.email_key) for row in rows]


_CONDITIONS = {
    "key": "email_key IN (:key, lower(:email))",  # the second: as older versions folded it
    "role": "role = :role",
    "after": "email_key > :after",
}


def lock_user(connection: Connection, user_id: UUID) -> User | None:
    """Return an account, unchanged until the transaction ends; None if there is none.

    Locks: users(id) FOR UPDATE.
    """
    statement = text("""
        SELECT id, email, name, role, created_at, token_version
        FROM users
        WHERE id = :user_id
        FOR UPDATE
    """)
    row = connection.execute(statement, {"user_id": user_id}).one_or_none()
    return user_of(row) if row else None


def lock_administrators(connection: Connection) -> int:
    """Return how many administrators there are, who remain so until the transaction ends.

    Locks: users(id) FOR UPDATE of all administrators, in the order of their addresses.
    """
    statement = text("""
        SELECT id
        FROM users
        WHERE role = 'admin'
        ORDER BY email_key
        FOR UPDATE
    """)
    return len(connection.execute(statement).scalars().all())


def set_role(connection: Connection, user_id: UUID, role: str) -> None:
    """Set the role of an account. Only the database's owner may make or unmake administrators.

    End the account's sessions in the same transaction: its tokens name the former role.
    """
    statement = text("UPDATE users SET role = :role WHERE id = :user_id")
    connection.execute(statement, {"user_id": user_id, "role": role})
