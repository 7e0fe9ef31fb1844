"""Halls and their plans. A plan never changes once a show uses it: a rebuilt hall is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from core.errors import InUse, OnsaleError
from core.times import from_ms
from db.postgres.engine import violated

#: First key of the halls' advisory locks, unique to them: the letters of "hall".
_LOCK = 0x68616C6C
#: Minutes for which a show without a movie occupies its hall.
DURATION_MIN = 120


@dataclass(frozen=True, slots=True)
class HallListing:
    """A hall without its plan. `time_zone`: None: the installation's.

    `general`: made for a number of seats. It is no place, so any number of shows may be in it at a time.
    """

    id: int
    name: str
    capacity: int
    time_zone: str | None
    general: bool


@dataclass(frozen=True, slots=True)
class HallRow(HallListing):
    """A hall with its plan (core/halls.py reads it), which may lack the drawing."""

    plan: dict[str, Any]


class HallGone(OnsaleError):
    """The hall was deleted just now."""

    code = "hall_gone"


class HallInUse(InUse):
    """The hall has shows, so it cannot be deleted."""

    code = "hall_in_use"


def insert_hall(
    connection: Connection, name: str, plan: Mapping[str, Any], capacity: int, time_zone: str | None = None
) -> int:
    """Add a hall and return its id.

    Args:    plan: a valid plan, see core/halls.py.  capacity: the number of its seats.  time_zone: IANA; None: the
             installation's.
    """
    statement = text("""
        INSERT INTO halls (name, plan, capacity, time_zone)
        VALUES (:name, :plan, :capacity, :time_zone)
        RETURNING id
    """).bindparams(bindparam("plan", type_=JSONB))
    values = {"name": name, "plan": plan, "capacity": capacity, "time_zone": time_zone}
    id_: int = connection.execute(statement, values).scalar_one()
    return id_


def general_hall(connection: Connection, name: str, plan: Mapping[str, Any], capacity: int) -> HallRow:
    """Return the hall that is made for a number of seats; add it if there is none.   Repeat: the same hall.

    Args:    as for `insert_hall`.   Raises: HallGone.
    """
    statement = text("""
        INSERT INTO halls (name, plan, capacity, general)
        VALUES (:name, :plan, :capacity, true)
        ON CONFLICT (capacity) WHERE general DO NOTHING
    """).bindparams(bindparam("plan", type_=JSONB))
    connection.execute(statement, {"name": name, "plan": plan, "capacity": capacity})
    # A later statement than the insertion, so it sees a hall that another transaction has just added.
    found = text(
        "SELECT id, name, capacity, time_zone, general, plan FROM halls WHERE capacity = :capacity AND general"
    )
    row = connection.execute(found, {"capacity": capacity}).one_or_none()
    if row is None:
        raise HallGone
    return _hall(row)


def delete_hall(connection: Connection, hall_id: int) -> bool:
    """Remove a hall; False if there was none. Raises: HallInUse: it has shows."""
    used = text("SELECT id FROM shows WHERE hall_id = :hall_id ORDER BY id LIMIT 10")
    if ids := connection.execute(used, {"hall_id": hall_id}).scalars().all():
        raise HallInUse("shows", ids)
    try:
        return connection.execute(text("DELETE FROM halls WHERE id = :id"), {"id": hall_id}).rowcount == 1
    except IntegrityError as error:
        if violated(error) == "shows_hall_exists":  # a show that was added just now
            raise HallInUse("shows") from error
        raise


def list_halls(connection: Connection, *, after: tuple[str, int] | None, limit: int) -> list[HallListing]:
    """Return halls by name; `after`: only those that follow this one in the list: (name, id)."""
    following = "WHERE (lower(name), id) > (lower(:name), :id)" if after else ""
    statement = text(f"""
        SELECT id, name, capacity, time_zone, general
        FROM halls
        {following}
        ORDER BY lower(name), id
        LIMIT :limit
    """)  # noqa: S608 - one of two constants
    name, id_ = after or ("", 0)
    rows = connection.execute(statement, {"limit": limit, "name": name, "id": id_})
    return [HallListing(row.id, row.name, row.capacity, row.time_zone, row.general) for row in rows]


def lock(connection: Connection, hall_id: int) -> None:
    """Exclude other transactions that add a show to this hall, until this one ends. Locks: an advisory lock.

    Not the hall's row: a row lock needs the right to change halls, which the api does not have.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:kind, :hall_id)"), {"kind": _LOCK, "hall_id": hall_id})


def reserve(
    connection: Connection, hall_id: int, *, movie_id: int | None, starts_ms: int, changeover_min: int
) -> int | None:
    """Reserve a hall for a show of this movie until the transaction ends; return a show that occupies it, if any.

    A show occupies its hall from its start until its movie has ended and the changeover is over; without a
    movie, for DURATION_MIN. A show that is closed and has no seats held or sold will not be played, and occupies
    nothing; nor does a copy for a rehearsal.
    Locks: as `lock`; shows are read in a later statement (docs/locking.md rule 13).
    """
    lock(connection, hall_id)
    statement = text("""
        SELECT shows.id
        FROM shows
        LEFT JOIN movies ON movies.id = shows.movie_id
        WHERE shows.hall_id = :hall_id
            AND shows.starts_at > CAST(:starts_at AS timestamptz) - make_interval(mins => 1000 + :changeover)
            AND shows.starts_at
                + make_interval(mins => coalesce(movies.duration_min, :usual) + :changeover) > :starts_at
            AND shows.starts_at < CAST(:starts_at AS timestamptz) + make_interval(
                mins => coalesce((SELECT duration_min FROM movies WHERE id = :movie_id), :usual) + :changeover)
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
        "usual": DURATION_MIN,
    }
    show_id: int | None = connection.execute(statement, values).scalar_one_or_none()
    return show_id


def get_hall(connection: Connection, hall_id: int, *, drawn: bool = False) -> HallRow | None:
    """Return a hall with its plan; None if there is none. Args: drawn: with the plan's drawing, if it has one."""
    statement = text("""
        SELECT id, name, capacity, time_zone, general, CASE WHEN :drawn THEN plan ELSE plan - 'drawing' END AS plan
        FROM halls
        WHERE id = :hall_id
    """)
    row = connection.execute(statement, {"hall_id": hall_id, "drawn": drawn}).one_or_none()
    return _hall(row) if row else None


def _hall(row: Row[tuple[object, ...]]) -> HallRow:
    return HallRow(
        id=row.id, name=row.name, capacity=row.capacity, time_zone=row.time_zone, general=row.general, plan=row.plan
    )
