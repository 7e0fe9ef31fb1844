"""Shows in Postgres: what drains and show cards need of them, and the counters that drains write."""

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
    """The columns of a show's row that a lane's transaction or a show card needs."""

    id: int
    hall_id: int
    settings: ShowSettings
    capacity: int
    held: int
    sold: int
    version: int
    #: The waiting list: how many wait, the last number given, and whether free seats may be due to them.
    waiting: int = 0
    waiting_last: int = 0
    offers_due: bool = False


def lock(connection: Connection, show_ids: Sequence[int]) -> dict[int, ShowRow]:
    """Lock shows until the transaction ends and return them; those that do not exist are missing.

    Locks: shows(id) FOR UPDATE, in id order (docs/locking.md rule 5). Read what depends on them in a later statement.
    """
    statement = """
        SELECT id, hall_id, settings, capacity, held, sold, version, waiting, waiting_last, offers_due
        FROM shows
        WHERE id = ANY(CAST(:ids AS integer[]))
        ORDER BY id
        FOR UPDATE
    """
    rows = execute(connection, statement, {"ids": sorted(set(show_ids))})
    return {row.id: _show(row) for row in rows}


def get(connection: Connection, show_id: int) -> ShowRow | None:
    """Return a show as it is committed now; None if there is none."""
    statement = text("""
        SELECT id, hall_id, settings, capacity, held, sold, version, waiting, waiting_last, offers_due
        FROM shows
        WHERE id = :id
    """)
    row = connection.execute(statement, {"id": show_id}).one_or_none()
    return _show(row) if row else None


def upcoming(connection: Connection, after: tuple[int, int], limit: int) -> list[ShowRow]:
    """Return up to `limit` shows that have not begun, by start and id.

    Args: after: start (ms) and id of the show before them; (0, 0) to begin.
    """
    statement = """
        SELECT id, hall_id, settings, capacity, held, sold, version, waiting, waiting_last, offers_due
        FROM shows
        WHERE starts_at > now() AND (starts_at, id) > (CAST(:starts_at AS timestamptz), CAST(:id AS integer))
        ORDER BY starts_at, id
        LIMIT :limit
    """
    values = {"starts_at": from_ms(after[0]), "id": after[1], "limit": limit}
    return [_show(row) for row in execute(connection, statement, values)]


def count_upcoming(connection: Connection) -> dict[str, int]:
    """Return how many seats of all shows that have not begun are free, held and sold, from the shows' counters."""
    statement = text("""
        SELECT coalesce(sum(capacity - held - sold), 0) AS free, coalesce(sum(held), 0) AS held,
            coalesce(sum(sold), 0) AS sold
        FROM shows
        WHERE starts_at > now()
    """)
    row = connection.execute(statement).one()
    return {"free": int(row.free), "held": int(row.held), "sold": int(row.sold)}


def record(connection: Connection, rows: Sequence[ShowRow], *, new_settings: Collection[int]) -> None:
    """Write counters and version of changed shows, and the settings of those with `new_settings` (ids).

    The rows must be locked. Settings are the largest part of a row, and hardly ever change.
    """
    statement = """
        UPDATE shows
        SET settings = coalesce(new.settings, shows.settings),
            held = new.held, sold = new.sold, version = new.version,
            waiting = new.waiting, waiting_last = new.waiting_last, offers_due = new.offers_due
        FROM json_to_recordset(CAST(:rows AS json))
            AS new (id integer, settings jsonb, held integer, sold integer, version bigint,
                waiting integer, waiting_last integer, offers_due boolean)
        WHERE shows.id = new.id
    """
    changes = [
        {
            "id": row.id,
            "held": row.held,
            "sold": row.sold,
            "version": row.version,
            "waiting": row.waiting,
            "waiting_last": row.waiting_last,
            "offers_due": row.offers_due,
            "settings": row.settings if row.id in new_settings else None,
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
        waiting=row.waiting,
        waiting_last=row.waiting_last,
        offers_due=row.offers_due,
    )
