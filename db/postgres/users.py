"""Accounts. Bookings do not reference them: only log-in, profiles and administrators' rights need a row.

An e-mail address belongs to one account, in any case and spelling: the index `users_one_per_email` on its key sees to
that. The key is folded here (core/texts.py), never by the database's locale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from core.errors import OnsaleError
from core.texts import folded
from db.postgres.engine import make_engine, transaction, violated


class EmailTaken(OnsaleError):
    """There already is an account with this e-mail address."""

    code = "email_taken"


#: The owner makes administrators (`onsale admin`), administrators make the box office.
ROLES = ("user", "box_office", "admin")


@dataclass(frozen=True, slots=True)
class User:
    """An account, without its password. `role`: one of ROLES. Tokens below `token_version` are void."""

    id: UUID
    email: str
    name: str
    role: str
    created_at: datetime
    token_version: int = 0


def insert_user(connection: Connection, email: str, password_hash: str, name: str) -> User:
    """Create an account with the role user. Raises: EmailTaken; the transaction must then be rolled back."""
    statement = text("""
        INSERT INTO users (email, email_key, password_hash, name)
        VALUES (:email, :key, :password_hash, :name)
        RETURNING id, email, name, role, created_at, token_version
    """)
    values = {"email": email, "key": folded(email), "password_hash": password_hash, "name": name}
    try:
        row = connection.execute(statement, values)
    except IntegrityError as error:
        _taken_or_raise(error)
    return user_of(row.one())


def insert_admin(connection: Connection, email: str, password_hash: str) -> UUID:
    """Create an administrator's account. Raises: EmailTaken; the transaction must then be rolled back."""
    statement = text("""
        INSERT INTO users (email, email_key, password_hash, name, role)
        VALUES (:email, :key, :password_hash, 'Administrator', 'admin')
        RETURNING id
    """)
    try:
        values = {"email": email, "key": folded(email), "password_hash": password_hash}
        result = connection.execute(statement, values)
    except IntegrityError as error:
        _taken_or_raise(error)
    id_: UUID = result.scalar_one()
    return id_


def get_user(connection: Connection, user_id: UUID) -> User | None:
    """Return an account; None if there is none (a token may outlive it)."""
    statement = text("""
        SELECT id, email, name, role, created_at, token_version
        FROM users
        WHERE id = :user_id
    """)
    row = connection.execute(statement, {"user_id": user_id}).one_or_none()
    return user_of(row) if row else None


def get_by_email(connection: Connection, email: str) -> tuple[User, str] | None:
    """Return the account of an e-mail address, in any case and spelling, and its password hash.

    Prefers the key that older versions used: accounts whose key could not be folded still have it
    (db/postgres/folded_addresses.py).
    """
    statement = text("""
        SELECT id, email, name, role, created_at, token_version, password_hash
        FROM users
        WHERE email_key IN (:key, lower(:email))
        ORDER BY email_key = lower(:email) DESC
        LIMIT 1
    """)
    row = connection.execute(statement, {"key": folded(email), "email": email}).one_or_none()
    return (user_of(row), row.password_hash) if row else None


def update_user(connection: Connection, user_id: UUID, *, name: str, email: str | None) -> User | None:
    """Change the name and, unless None, the address of an account; None if there is none. Raises: EmailTaken."""
    statement = text("""
        UPDATE users
        SET name = :name,
            email = coalesce(CAST(:email AS text), email),
            email_key = coalesce(CAST(:key AS text), email_key)
        WHERE id = :user_id
        RETURNING id, email, name, role, created_at, token_version
    """)
    values = {"user_id": user_id, "name": name, "email": email, "key": folded(email) if email is not None else None}
    try:
        result = connection.execute(statement, values)
    except IntegrityError as error:
        _taken_or_raise(error)
    row = result.one_or_none()
    return user_of(row) if row else None


def get_with_hash(connection: Connection, user_id: UUID) -> tuple[User, str] | None:
    """Return an account and its password hash; None if there is none."""
    statement = text("""
        SELECT id, email, name, role, created_at, token_version, password_hash
        FROM users
        WHERE id = :user_id
    """)
    row = connection.execute(statement, {"user_id": user_id}).one_or_none()
    return (user_of(row), row.password_hash) if row else None


def lock_version(connection: Connection, user_id: UUID) -> int | None:
    """Return the token version of an account, fixed until the transaction ends; None if there is no such account.

    Locks: users(id) FOR SHARE.
    """
    statement = text("SELECT token_version FROM users WHERE id = :user_id FOR SHARE")
    version: int | None = connection.execute(statement, {"user_id": user_id}).scalar_one_or_none()
    return version


def raise_version(connection: Connection, user_id: UUID, password_hash: str | None = None) -> int | None:
    """Invalidate all tokens of an account, and change its password if one is given.

    Returns the new token version; None if there is no such account.
    """
    statement = text("""
        UPDATE users
        SET token_version = token_version + 1,
            password_hash = coalesce(CAST(:password_hash AS text), password_hash)
        WHERE id = :user_id
        RETURNING token_version
    """)
    values = {"user_id": user_id, "password_hash": password_hash}
    version: int | None = connection.execute(statement, values).scalar_one_or_none()
    return version


def replace_hash(connection: Connection, user_id: UUID, old: str, new: str) -> None:
    """Replace the hash of the same password, unless the password has changed meanwhile."""
    statement = text("""
        UPDATE users
        SET password_hash = :new
        WHERE id = :user_id AND password_hash = :old
    """)
    connection.execute(statement, {"user_id": user_id, "old": old, "new": new})


def delete_user(connection: Connection, user_id: UUID) -> bool:
    """Delete an account with its sessions; False if there is none. Its bookings remain, without a name."""
    statement = text("DELETE FROM users WHERE id = :user_id")
    return connection.execute(statement, {"user_id": user_id}).rowcount == 1


def get_first_admin_id(connection: Connection) -> UUID | None:
    """Return the id of the oldest administrator's account; None if there is none."""
    statement = text("""
        SELECT id
        FROM users
        WHERE role = 'admin'
        ORDER BY created_at, id
        LIMIT 1
    """)
    id_: UUID | None = connection.execute(statement).scalar_one_or_none()
    return id_


def first_admin_id(database_url: str) -> UUID:
    """Return the id of the oldest administrator, for commands that act in that name.

    Raises: LookupError: there is no administrator.  PostgresUnavailable.
    """
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            id_ = get_first_admin_id(connection)
    finally:
        engine.dispose()
    if id_ is None:
        raise LookupError("There is no administrator's account.")
    return id_


def _taken_or_raise(error: IntegrityError) -> NoReturn:
    if violated(error) == "users_one_per_email":
        raise EmailTaken from error
    raise error


def user_of(row: Row[tuple[object, ...]]) -> User:
    """Return the account of a row that has its columns."""
    return User(row.id, row.email, row.name, row.role, row.created_at, row.token_version)
