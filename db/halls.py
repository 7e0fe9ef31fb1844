"""Halls and their plans. A plan never changes once a show uses it: a rebuilt hall is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB


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
