"""Second factors of accounts: the secret of the one-time codes, the last step used, hashes of the recovery codes.

A secret counts once a code has confirmed it. The workers' role cannot read these tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor. `confirmed_at`: None while no code has confirmed the secret.  `last_step`: 0 for none."""

    secret: bytes
    confirmed_at: datetime | None
    last_step: int


def get(connection: Connection, user_id: UUID, *, lock: bool = False) -> SecondFactor | None:
    """Return an account's second factor; None if none was begun. Locks: if asked, its row, FOR UPDATE."""
    statement = text(f"""
        SELECT secret, confirmed_at, last_step
        FROM second_factors
        WHERE user_id = :user_id
        {"FOR UPDATE" if lock else ""}
    """)  # noqa: S608 - constants
    row = connection.execute(statement, {"user_id": user_id}).one_or_none()
    return SecondFactor(bytes(row.secret), row.confirmed_at, row.last_step) if row else None


def is_confirmed(connection: Connection, user_id: UUID) -> bool:
    """Return whether an account's log-in needs a code."""
    found = get(connection, user_id)
    return found is not None and found.confirmed_at is not None


def begin(connection: Connection, user_id: UUID, secret: bytes) -> bool:
    """Store a new secret, in place of an unconfirmed one; False if a confirmed one exists, which is kept."""
    statement = text("""
        INSERT INTO second_factors (user_id, secret)
        VALUES (:user_id, :secret)
        ON CONFLICT (user_id) DO UPDATE
        SET secret = excluded.secret
        WHERE second_factors.confirmed_at IS NULL
    """)
    return connection.execute(statement, {"user_id": user_id, "secret": secret}).rowcount == 1


def confirm(connection: Connection, user_id: UUID, step: int, recovery_hashes: Iterable[bytes]) -> None:
    """Make a secret count, note its first used step, and store the recovery codes. Its row must be locked."""
    statement = text("""
        UPDATE second_factors
        SET confirmed_at = now(), last_step = :step
        WHERE user_id = :user_id
    """)
    connection.execute(statement, {"user_id": user_id, "step": step})
    _add_recovery_codes(connection, user_id, recovery_hashes)


def renew_recovery_codes(connection: Connection, user_id: UUID, recovery_hashes: Iterable[bytes]) -> None:
    """Replace the recovery codes: those that are left count as used. The second factor's row must be locked."""
    statement = text("UPDATE recovery_codes SET used_at = now() WHERE user_id = :user_id AND used_at IS NULL")
    connection.execute(statement, {"user_id": user_id})
    _add_recovery_codes(connection, user_id, recovery_hashes)


def use_step(connection: Connection, user_id: UUID, step: int) -> None:
    """Note that the code of a step was used. The row must be locked since `last_step` was read."""
    statement = text("UPDATE second_factors SET last_step = :step WHERE user_id = :user_id")
    connection.execute(statement, {"user_id": user_id, "step": step})


def use_recovery_code(connection: Connection, user_id: UUID, code_hash: bytes) -> bool:
    """Use a recovery code up; False if it is not one, or was used."""
    statement = text("""
        UPDATE recovery_codes
        SET used_at = now()
        WHERE user_id = :user_id AND code_hash = :code_hash AND used_at IS NULL
    """)
    return connection.execute(statement, {"user_id": user_id, "code_hash": code_hash}).rowcount == 1


def count_recovery_codes(connection: Connection, user_id: UUID) -> int:
    """Return how many recovery codes of an account are left."""
    statement = text("SELECT count(*) FROM recovery_codes WHERE user_id = :user_id AND used_at IS NULL")
    left: int = connection.execute(statement, {"user_id": user_id}).scalar_one()
    return left


def delete(connection: Connection, user_id: UUID) -> bool:
    """Delete an account's second factor and recovery codes; False if it had none."""
    statement = text("DELETE FROM second_factors WHERE user_id = :user_id")
    return connection.execute(statement, {"user_id": user_id}).rowcount == 1


def _add_recovery_codes(connection: Connection, user_id: UUID, recovery_hashes: Iterable[bytes]) -> None:
    statement = text("INSERT INTO recovery_codes (user_id, code_hash) VALUES (:user_id, :code_hash)")
    connection.execute(statement, [{"user_id": user_id, "code_hash": each} for each in recovery_hashes])
