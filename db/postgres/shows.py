"""Shows in Postgres, as the drain and the door read them, and the counters that the drain writes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from core.shows import ShowSettings
from core.times import from_ms
from db.postgres.engine import as_json, execute


@dataclass(frozen=True, slots=True)
class ShowRow:
    """What a lane's transaction or a card needs of a show's row."""

    id: int
    hall_id: int
    settings: ShowSettings
    capacity: int
    held: int
    sold: int
    version: int


def lock(connection: Connection, show_ids: Sequence[int]) -> dict[int, ShowRow]:
    """Lock shows until the transaction ends; those that do not exist are missing from the answer (rule 5).

    Locks: shows(id) FOR UPDATE, in id order. What depends on them is read in a later statement.
    """
    statement = """
        SELECT id, hall_id, settings, capacity, held, sold, version
          FROM shows
         WHERE id = ANY(CAST(:ids AS integer[]))
         ORDER BY id
           FOR UPDATE
    """
    rows = execute(connection, statement, {"ids": sorted(set(show_ids))})
    return {row.id: _show(row) for row in rows}


def get(connection: Connection, show_id: int) -> ShowRow | None:
    """One show, as it is committed now; None if there is none."""
    statement = text("""
        SELECT id, hall_id, settings, capacity, held, sold, version
          FROM shows
         WHERE id = :id
    """)
    row = connection.execute(statement, {"id": show_id}).one_or_none()
    return _show(row) if row else None


def upcoming(connection: Connection, after: tuple[int, int], limit: int) -> list[ShowRow]:
    """Up to `limit` shows that have not begun, the next one first.

    Args: after: start (ms) and id of the last one before them; (0, 0) to begin.
    """
    statement = """
        SELECT id, hall_id, settings, capacity, held, sold, version
          FROM shows
         WHERE starts_at > now() AND (starts_at, id) > (CAST(:starts_at AS timestamptz), CAST(:id AS integer))
         ORDER BY starts_at, id
         LIMIT :limit
    """
    values = {"starts_at": from_ms(after[0]), "id": after[1], "limit": limit}
    return [_show(row) for row in execute(connection, statement, values)]


def record(connection: Connection, rows: Sequence[ShowRow], *, settled: Collection[int]) -> None:
    """Write counters and version of changed shows, and the settings of those whose ids are `settled`.

    The rows must be locked. Settings are most of a row, and hardly ever change.
    """
    statement = """
        UPDATE shows
           SET settings = coalesce(new.settings, shows.settings),
               held = new.held, sold = new.sold, version = new.version
          FROM json_to_recordset(CAST(:rows AS json))
               AS new (id integer, settings jsonb, held integer, sold integer, version bigint)
         WHERE shows.id = new.id
    """
    changes = [
        {
            "id": row.id,
            "held": row.held,
            "sold": row.sold,
            "version": row.version,
            "settings": row.settings if row.id in settled else None,
        }
        for row in rows
    ]
    execute(connection, statement, {"rows": as_json(changes)})


def _show(row: Any) -> ShowRow:
    return ShowRow(
        id=row.id,
        hall_id=row.hall_id,
        settings=ShowSettings.from_json(row.settings),
        capacity=row.capacity,
        held=row.held,
        sold=row.sold,
        version=row.version,
    )
