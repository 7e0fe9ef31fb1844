"""Show cards rebuilt from Postgres: for a show without one in Redis, and for all shows after Redis was wiped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from db.kv import cards
from db.postgres import bookings
from db.postgres.shows import ShowRow


@dataclass(frozen=True, slots=True)
class RebuiltCard:
    """One show's card. `fields`: see db/kv/cards.py `card`; `ttl_ms`: how long Redis keeps it, ms."""

    fields: dict[str, Any]
    ttl_ms: int


def cards_of(connection: Connection, rows: Sequence[ShowRow]) -> dict[int, RebuiltCard]:
    """Return the cards of some shows by show id, from what is committed now."""
    full = {row.id for row in rows if row.held + row.sold == row.capacity}
    deadlines = bookings.first_deadlines(connection, sorted(full)) if full else {}
    decided = bookings.shows_with_any(connection, [row.id for row in rows])
    found = {}
    for row in rows:
        fields = cards.card(
            row.settings,
            version=row.version,
            hall_id=row.hall_id,
            sold_out_until_ms=deadlines.get(row.id, cards.NO_END_MS) if row.id in full else 0,
            forgets_at_ms=0 if row.id in decided else None,
        )
        found[row.id] = RebuiltCard(fields, cards.ttl_ms(row.settings))
    return found
