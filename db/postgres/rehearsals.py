"""Rehearsals in Postgres: a show's copy, which no list shows, and the decisions of a show, from which it is recorded.

Only the database's owner calls these: the api's role can neither mark a show nor read operations in the journal.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from core.shows import ShowSettings
from core.times import from_ms
from db.postgres.engine import allow

#: A stadium has 200,000 seats to insert, milliseconds.
COPY_MS = 30_000


class Original(NamedTuple):
    """A show that is to be copied. `rehearsal_of`: the show of which it is a copy itself, or None."""

    settings: ShowSettings
    rehearsal_of: int | None


def get_original(connection: Connection, show_id: int) -> Original | None:
    """Return what a copy takes over; None if there is no such show."""
    statement = text("""
        SELECT settings, rehearsal_of
        FROM shows
        WHERE id = :id
    """)
    row = connection.execute(statement, {"id": show_id}).one_or_none()
    return Original(ShowSettings.from_json(row.settings), row.rehearsal_of) if row else None


def insert_copy(connection: Connection, show_id: int, settings: ShowSettings) -> int:
    """Add a copy of a show that exists, with all its seats, which are free; return its id.

    It is in the original's hall whether that is occupied or not: nobody will sit there.
    """
    allow(connection, statement_timeout_ms=COPY_MS)
    statement = text("""
        INSERT INTO shows (movie_id, name, hall_id, starts_at, settings, initial_settings, capacity, rehearsal_of)
        SELECT movie_id, name, hall_id, :starts_at, :settings, :settings, capacity, id
        FROM shows
        WHERE id = :id
        RETURNING id
    """).bindparams(bindparam("settings", type_=JSONB))
    values = {"id": show_id, "starts_at": from_ms(settings.starts_ms), "settings": settings.to_json()}
    copy_id: int = connection.execute(statement, values).scalar_one()
    seats = text("""
        INSERT INTO seats (show_id, label)
        SELECT :copy_id, label
        FROM seats
        WHERE show_id = :id
    """)
    connection.execute(seats, {"copy_id": copy_id, "id": show_id})
    return copy_id
