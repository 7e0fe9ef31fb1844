"""Halls and their plans. A plan never changes once a show uses it: a rebuilt hall is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from core.times import from_ms

#: Halls' advisory locks are of this kind, and nobody else's: the letters of "hall".
_LOCK = 0x68616C6C


@dataclass(frozen=True, slots=True)
class HallListing:
    """A hall without its plan."""

    id: int
    name: str
    capacity: int


@dataclass(frozen=True, slots=True)
class HallRow(HallListing):
    """A hall with its plan as stored (core/halls.py reads it)."""

    plan: dict[str, Any]


def insert_hall(connection: Connection, name: str, plan: Mapping[str, Any], capacity: int) -> int:
    """Add a hall and return its id.

    Args:    plan: valid, see core/halls.py.  capacity: the number of its seats.
    """
    statement = text(
        """
        INSERT INTO halls (name, plan, capacity)
        VALUES (:name, :plan, :capacity)
        RETURNING id
        """
    ).bindparams(bindparam("plan", type_=JSONB))
    id_: int = connection.execute(statement, {"name": name, "plan": plan, "capacity": capacity}).scalar_one()
    return id_


def list_halls(connection: Connection, *, after: tuple[str, int] | None, limit: int) -> list[HallListing]:
    """Halls by name; with `after`, those behind this place in the list: (name, id)."""
    behind = "WHERE (lower(name), id) > (lower(:name), :id)" if after else ""
    statement = text(
        f"""
        SELECT id, name, capacity
        FROM halls
        {behind}
        ORDER BY lower(name), id
        LIMIT :limit
        """  # noqa: S608 - one of two constants
    )
    name, id_ = after or ("", 0)
    rows = connection.execute(statement, {"limit": limit, "name": name, "id": id_})
    return [HallListing(row.id, row.name, row.capacity) for row in rows]


def lock(connection: Connection, hall_id: int) -> None:
    """Be the only one who puts a show into this hall until the transaction ends. Locks: an advisory lock.

    Not the hall's row: the api may not change halls, and so may not lock their rows.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:kind, :hall_id)"), {"kind": _LOCK, "hall_id": hall_id})


def reserve(
    connection: Connection, hall_id: int, *, movie_id: int, starts_ms: int, changeover_min: int
) -> int | None:
    """Keep a hall for a show of this movie until the transaction ends; or the show that has it at that time.

    A show has its hall from its start until its movie ends and the hall is made ready. One whose sale is closed and
    of which nothing is held or sold does not take place.
    Locks: see `lock`. Shows are looked at in a later statement (docs/locking.md rule 13).
    """
    lock(connection, hall_id)
    statement = text(
        """
        SELECT shows.id
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        WHERE shows.hall_id = :hall_id
          AND shows.starts_at > CAST(:starts_at AS timestamptz) - make_interval(mins => 1000 + :changeover)
          AND shows.starts_at + make_interval(mins => movies.duration_min + :changeover) > :starts_at
          AND shows.starts_at < CAST(:starts_at AS timestamptz) + make_interval(
              mins => (SELECT duration_min FROM movies WHERE id = :movie_id) + :changeover)
          AND NOT (shows.settings ->> 'state' = 'CLOSED' AND shows.held + shows.sold = 0)
        ORDER BY shows.starts_at, shows.id
        LIMIT 1
        """
    )
    values = {
        "hall_id": hall_id,
        "movie_id": movie_id,
        "starts_at": from_ms(starts_ms),
        "changeover": changeover_min,
    }
    show_id: int | None = connection.execute(statement, values).scalar_one_or_none()
    return show_id


def get_hall(connection: Connection, hall_id: int) -> HallRow | None:
    """One hall with its plan."""
    statement = text(
        """
        SELECT id, name, capacity, plan
        FROM halls
        WHERE id = :hall_id
        """
    )
    row = connection.execute(statement, {"hall_id": hall_id}).one_or_none()
    return HallRow(row.id, row.name, row.capacity, row.plan) if row else None
