"""Seats in Postgres: who owns each seat of a show. Only a lane's transaction changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from core.errors import SeatConflict


@dataclass(frozen=True, slots=True)
class SeatChange:
    """One seat's new owner, and the owner that this transaction has read: both must be true at once."""

    show_id: int
    label: str
    before: UUID | None
    after: UUID | None
    status: str


def owners(
    connection: Connection, show_ids: Sequence[int], labels: Sequence[str]
) -> list[tuple[int, str, UUID | None]]:
    """The owner of each (show, label) pair that exists; the two lists run in parallel."""
    statement = text("""
        SELECT seats.show_id, seats.label, seats.booking_id
          FROM unnest(CAST(:show_ids AS integer[]), CAST(:labels AS text[])) AS wanted (show_id, label)
          JOIN seats ON seats.show_id = wanted.show_id AND seats.label = wanted.label
    """)
    rows = connection.execute(statement, {"show_ids": list(show_ids), "labels": list(labels)})
    return [(row.show_id, row.label, row.booking_id) for row in rows]


def owners_of_shows(connection: Connection, show_ids: Sequence[int]) -> list[tuple[int, str, UUID | None]]:
    """The owner of every seat of some shows."""
    statement = text("""
        SELECT show_id, label, booking_id
          FROM seats
         WHERE show_id = ANY(CAST(:show_ids AS integer[]))
    """)
    rows = connection.execute(statement, {"show_ids": list(show_ids)})
    return [(row.show_id, row.label, row.booking_id) for row in rows]


def record(connection: Connection, changes: Sequence[SeatChange]) -> None:
    """Give seats their new owners, each only if its owner still is the one that was read (docs/locking.md rule 8).

    Raises: SeatConflict: one was not; the transaction must be rolled back.
    """
    statement = text("""
        UPDATE seats
           SET booking_id = change.after, status = change.status
          FROM unnest(CAST(:show_ids AS integer[]), CAST(:labels AS text[]), CAST(:before AS uuid[]),
                      CAST(:after AS uuid[]), CAST(:statuses AS text[]))
               AS change (show_id, label, before, after, status)
         WHERE seats.show_id = change.show_id
           AND seats.label = change.label
           AND seats.booking_id IS NOT DISTINCT FROM change.before
    """)
    values = {
        "show_ids": [change.show_id for change in changes],
        "labels": [change.label for change in changes],
        "before": [change.before for change in changes],
        "after": [change.after for change in changes],
        "statuses": [change.status for change in changes],
    }
    updated = connection.execute(statement, values).rowcount
    if updated != len(changes):
        raise SeatConflict(f"{len(changes) - updated} of {len(changes)} seats had another owner than was read.")
