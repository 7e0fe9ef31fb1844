"""Seats in Postgres: the owner of each seat of a show. Only a lane's transaction changes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.errors import SeatConflict
from core.times import to_ms
from db.postgres.engine import as_json, execute, for_each


@dataclass(frozen=True, slots=True)
class SeatChange:
    """One seat's new owner (`after`), and the owner that this transaction has read (`before`)."""

    show_id: int
    label: str
    before: UUID | None
    after: UUID | None
    status: str


# `for_each` (db/postgres/engine.py) keeps Postgres from joining the other way round: it looks up each wanted seat by
# primary key, and never reads all seats to find the wanted ones among them.
_OWNERS = f"""
    SELECT found.show_id, found.label, found.booking_id
    FROM json_to_recordset(CAST(:wanted AS json)) AS wanted (show_id integer, label text)
    {for_each("SELECT * FROM seats WHERE seats.show_id = wanted.show_id AND seats.label = wanted.label")} AS found
"""  # noqa: S608 - the look-up is a constant

# `for_each` fixes the order of the join here, too. It cannot look up the table that the UPDATE changes, so it looks
# up each row's physical address (ctid), and the UPDATE joins on that. If somebody else changes a row meanwhile, its
# address changes and the row is not updated; `record` notices by the number of updated rows.
_ADDRESS = "SELECT ctid AS address FROM seats WHERE seats.show_id = change.show_id AND seats.label = change.label"
_RECORD = f"""
    UPDATE seats
    SET booking_id = change.after, status = change.status
    FROM json_to_recordset(CAST(:changes AS json))
        AS change (show_id integer, label text, before uuid, after uuid, status text)
    {for_each(_ADDRESS)} AS found
    WHERE seats.ctid = found.address
        AND seats.booking_id IS NOT DISTINCT FROM change.before
"""  # noqa: S608 - the look-up is a constant


def owners(connection: Connection, wanted: Iterable[tuple[int, str]]) -> list[tuple[int, str, UUID | None]]:
    """Return the owners of some seats, given as (show, label) pairs; seats that do not exist are missing."""
    pairs = as_json([{"show_id": show_id, "label": label} for show_id, label in wanted])
    rows = execute(connection, _OWNERS, {"wanted": pairs})
    return [(row.show_id, row.label, row.booking_id) for row in rows]


def owners_of_shows(connection: Connection, show_ids: Sequence[int]) -> list[tuple[int, str, UUID | None]]:
    """Return the owners of all seats of some shows, without free seats."""
    statement = """
        SELECT show_id, label, booking_id
        FROM seats
        WHERE show_id = ANY(CAST(:show_ids AS integer[])) AND booking_id IS NOT NULL
    """
    rows = execute(connection, statement, {"show_ids": list(show_ids)})
    return [(row.show_id, row.label, row.booking_id) for row in rows]


def taken(connection: Connection, show_id: int) -> list[tuple[str, int | None]]:
    """Return the seats of a show that are not free, each with the deadline of its hold, ms; None: it is sold."""
    statement = """
        SELECT seats.label, bookings.expires_at
        FROM seats
        LEFT JOIN bookings ON bookings.id = seats.booking_id AND seats.status = 'HELD'
        WHERE seats.show_id = :show_id AND seats.status <> 'AVAILABLE'
    """
    rows = execute(connection, statement, {"show_id": show_id})
    return [(row.label, to_ms(row.expires_at) if row.expires_at else None) for row in rows]


def record(connection: Connection, changes: Sequence[SeatChange]) -> None:
    """Set the new owners of seats, each only if its owner is still the one that was read (docs/locking.md rule 8).

    Raises: SeatConflict: the owner of one had changed; the transaction must be rolled back.
    """
    updated = execute(connection, _RECORD, {"changes": as_json(changes)}).rowcount
    if updated != len(changes):
        raise SeatConflict(f"{len(changes) - updated} of {len(changes)} seats had another owner than was read.")
