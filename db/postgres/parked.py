"""Parked operations, as administrators deal with them. db/postgres/journal.py `park` adds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.operations import StreamId

_COLUMNS = "lane, epoch, stream_ms, stream_seq, payload, error, parked_at, resolution, resolved_at, replaced_by"
#: Where an operation was: its lane, epoch, and entry.
Place = tuple[int, str, int, int]


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked operation. `payload`: as received."""

    lane: int
    epoch: str
    id: StreamId
    payload: bytes
    error: str
    parked_at: datetime
    resolution: str | None
    resolved_at: datetime | None
    replaced_by: UUID | None

    @property
    def place(self) -> Place:
        """Its key."""
        return self.lane, self.epoch, self.id.ms, self.id.seq


def list_parked(connection: Connection, *, resolved: bool, after: Place | None, limit: int) -> list[ParkedRow]:
    """Return parked operations by place. Args: resolved: also those that are resolved.   after: those behind it."""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM parked
        WHERE (resolution IS NULL OR :resolved)
            {"AND (lane, epoch, stream_ms, stream_seq) > (:lane, :epoch, :ms, :seq)" if after else ""}
        ORDER BY lane, epoch, stream_ms, stream_seq
        LIMIT :limit
    """)  # noqa: S608 - constants
    values = _values(after) if after else {}
    return [_row(row) for row in connection.execute(statement, {**values, "resolved": resolved, "limit": limit})]


def lock(connection: Connection, place: Place) -> ParkedRow | None:
    """Return a parked operation, which nobody else resolves meanwhile; None if there is none.

    Locks: parked(place) FOR UPDATE.
    """
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM parked
        WHERE lane = :lane AND epoch = :epoch AND stream_ms = :ms AND stream_seq = :seq
        FOR UPDATE
    """)  # noqa: S608 - the columns are a constant
    row = connection.execute(statement, _values(place)).one_or_none()
    return _row(row) if row else None


def resolve(connection: Connection, place: Place, resolution: str, replaced_by: UUID | None = None) -> None:
    """Note what an administrator has done about an operation: RETRIED as a new booking, or DISCARDED."""
    statement = text("""
        UPDATE parked
        SET resolution = :resolution, resolved_at = now(), replaced_by = :replaced_by
        WHERE lane = :lane AND epoch = :epoch AND stream_ms = :ms AND stream_seq = :seq
    """)
    connection.execute(statement, {**_values(place), "resolution": resolution, "replaced_by": replaced_by})


def _values(place: Place) -> dict[str, Any]:
    return dict(zip(("lane", "epoch", "ms", "seq"), place, strict=True))


def _row(row: Any) -> ParkedRow:
    return ParkedRow(
        row.lane, row.epoch, StreamId(row.stream_ms, row.stream_seq), bytes(row.payload), row.error, row.parked_at,
        row.resolution, row.resolved_at, row.replaced_by,
    )  # fmt: skip
