"""Accounts. Bookings do not reference them: only log-in, profiles and administrators' rights need a row.

An address belongs to one account, whatever its capitals; the index `users_one_per_email` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from core.errors import OnsaleError
from db.engine import make_engine, transaction, violated


class EmailTaken(OnsaleError):
    """There is an account with this e-mail address already."""

    code = "email_taken"


@dataclass(frozen=True, slots=True)
class User:
    """An account, without its password. `role` is user or admin."""

    id: UUID
    email: str
    name: str
    role: str
    created_at: datetime


def insert_user(connection: Connection, email: str, password_hash: str, name: str) -> User:
    """Open an account with the role user. Raises: EmailTaken (the transaction is then of no more use)."""
    statement = text(
        """
        INSERT INTO users (email, password_hash, name)
        VALUES (:email, :password_hash, :name)
        RETURNING id, email, name, role, created_at
        """
    )
    try:
        row = connection.execute(statement, {"email": email, "password_hash": password_hash, "name": name})
    except IntegrityError as error:
        _taken_or_raise(error)
    return _user(row.one())


def insert_admin(connection: Connection, email: str, password_hash: str) -> UUID:
    """Open an administrator's account. Raises: EmailTaken (the transaction is then of no more use)."""
    statement = text(
        """
        INSERT INTO users (email, password_hash, name, role)
        VALUES (:email, :password_hash, 'Administrator', 'admin')
        RETURNING id
        """
    )
    try:
        result = connection.execute(statement, {"email": email, "password_hash": password_hash})
    except IntegrityError as error:
        _taken_or_raise(error)
    id_: UUID = result.scalar_one()
    return id_


def get_user(connection: Connection, user_id: UUID) -> User | None:
    """One account; None if there is none (a token may outlive it)."""
    statement = text(
        """
        SELECT id, email, name, role, created_at
        FROM users
        WHERE id = :user_id
        """
    )
    row = connection.execute(statement, {"user_id": user_id}).one_or_none()
    return _user(row) if row else None


def get_by_email(connection: Connection, email: str) -> tuple[User, str] | None:
    """The account of an address, whatever its capitals, and its password hash."""
    statement = text(
        """
        SELECT id, email, name, role, created_at, password_hash
        FROM users
        WHERE lower(email) = lower(:email)
        """
    )
    row = connection.execute(statement, {"email": email}).one_or_none()
    return (_user(row), row.password_hash) if row else None


def update_user(connection: Connection, user_id: UUID, *, name: str, email: str | None) -> User | None:
    """Change name and, unless None, address. None if there is no such account. Raises: EmailTaken."""
    statement = text(
        """
        UPDATE users
        SET name = :name,
            email = coalesce(CAST(:email AS text), email)
        WHERE id = :user_id
        RETURNING id, email, name, role, created_at
        """
    )
    try:
        result = connection.execute(statement, {"user_id": user_id, "name": name, "email": email})
    except IntegrityError as error:
        _taken_or_raise(error)
    row = result.one_or_none()
    return _user(row) if row else None


def get_first_admin_id(connection: Connection) -> UUID | None:
    """The administrator whose account is oldest."""
    statement = text(
        """
        SELECT id
        FROM users
        WHERE role = 'admin'
        ORDER BY created_at, id
        LIMIT 1
        """
    )
    id_: UUID | None = connection.execute(statement).scalar_one_or_none()
    return id_


def first_admin_id(database_url: str) -> UUID:
    """The oldest administrator, for commands that act in the administrator's name.

    Raises: LookupError: there is no administrator.  PostgresAway.
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


def _user(row: Row[tuple[object, ...]]) -> User:
    return User(row.id, row.email, row.name, row.role, row.created_at)
