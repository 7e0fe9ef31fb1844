"""Halls and their plans. A plan never changes once a show uses it: a rebuilt hall is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from core.times import from_ms

#: First key of the halls' advisory locks, unique to them: the letters of "hall".
_LOCK = 0x68616C6C


@dataclass(frozen=True, slots=True)
class HallListing:
    """A hall without its plan."""

    id: int
    name: str
    capacity: int


@dataclass(frozen=True, slots=True)
class HallRow(HallListing):
    """A hall with its plan (core/halls.py reads it), which may lack the drawing."""

    plan: dict[str, Any]


def insert_hall(connection: Connection, name: str, plan: Mapping[str, Any], capacity: int) -> int:
    """Add a hall and return its id.

    Args:    plan: a valid plan, see core/halls.py.  capacity: the number of its seats.
    """
    statement = text("""
        INSERT INTO halls (name, plan, capacity)
        VALUES (:name, :plan, :capacity)
        RETURNING id
    """).bindparams(bindparam("plan", type_=JSONB))
    id_: int = connection.execute(statement, {"name": name, "plan": plan, "capacity": capacity}).scalar_one()
    return id_


def list_halls(connection: Connection, *, after: tuple[str, int] | None, limit: int) -> list[HallListing]:
    """Return halls by name; `after`: only those that follow this one in the list: (name, id)."""
    following = "WHERE (lower(name), id) > (lower(:name), :id)" if after else ""
    statement = text(f"""
        SELECT id, name, capacity
        FROM halls
        {following}
        ORDER BY lower(name), id
        LIMIT :limit
    """)  # noqa: S608 - one of two constants
    name, id_ = after or ("", 0)
    rows = connection.execute(statement, {"limit": limit, "name": name, "id": id_})
    return [HallListing(row.id, row.name, row.capacity) for row in rows]


def lock(connection: Connection, hall_id: int) -> None:
    """Exclude other transactions that add a show to this hall, until this one ends. Locks: an advisory lock.

    Not the hall's row: a row lock needs the right to change halls, which the api does not have.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:kind, :hall_id)"), {"kind": _LOCK, "hall_id": hall_id})


def reserve(
    connection: Connection, hall_id: int, *, movie_id: int, starts_ms: int, changeover_min: int
) -> int | None:
    """Reserve a hall for a show of this movie until the transaction ends; return a show that occupies it, if any.

    A show occupies its hall from its start until its movie has ended and the changeover is over. A show that is
    closed and has no seats held or sold will not be played, and occupies nothing; nor does a copy for a rehearsal.
    Locks: as `lock`; shows are read in a later statement (docs/locking.md rule 13).
    """
    lock(connection, hall_id)
    statement = text("""
        SELECT shows.id
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        WHERE shows.hall_id = :hall_id
            AND shows.starts_at > CAST(:starts_at AS timestamptz) - make_interval(mins => 1000 + :changeover)
            AND shows.starts_at + make_interval(mins => movies.duration_min + :changeover) > :starts_at
            AND shows.starts_at < CAST(:starts_at AS timestamptz) + make_interval(
                mins => (SELECT duration_min FROM movies WHERE id = :movie_id) + :changeover)
            AND NOT (shows.settings ->> 'state' = 'CLOSED' AND shows.held + shows.sold = 0)
            AND shows.rehearsal_of IS NULL
        ORDER BY shows.starts_at, shows.id
        LIMIT 1
    """)
    values = {
        "hall_id": hall_id,
        "movie_id": movie_id,
        "starts_at": from_ms(starts_ms),
        "changeover": changeover_min,
    }
    show_id: int | None = connection.execute(statement, values).scalar_one_or_none()
    return show_id


def get_hall(connection: Connection, hall_id: int, *, drawn: bool = False) -> HallRow | None:
    """Return a hall with its plan; None if there is none. Args: drawn: with the plan's drawing, if it has one."""
    statement = text("""
        SELECT id, name, capacity, CASE WHEN :drawn THEN plan ELSE plan - 'drawing' END AS plan
        FROM halls
        WHERE id = :hall_id
    """)
    row = connection.execute(statement, {"hall_id": hall_id, "drawn": drawn}).one_or_none()
    return HallRow(row.id, row.name, row.capacity, row.plan) if row else None
