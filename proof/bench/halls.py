"""The shows that a measurement sells: halls of equal rows, one price, on sale now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.postgres.engine import make_engine, transaction
from ops.rush.shows import row_label
from proof.kit.shows import Venue, make_show, make_venue, settings

#: Seats per row.
ROW = 1_000


def plan(seats: int) -> dict[str, Any]:
    """Return a plan with exactly this number of seats."""
    rows = []
    for index in range(-(-seats // ROW)):
        last = min(ROW, seats - index * ROW)
        rows.append({"label": row_label(index), "blocks": [{"first": 1, "last": last, "category": "standard"}]})
    return {"rows": rows}


def label(number: int) -> str:
    """Return the label of the seat with this number, counted from 0."""
    return f"{row_label(number // ROW)}{number % ROW + 1}"


def make_shows(database_url: str, capacities: Sequence[int]) -> list[int]:
    """Make a show per capacity, and return their ids. Shows of the same capacity share a hall."""
    show = settings()
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=120_000)
    venues: dict[int, Venue] = {}
    ids = []
    try:
        with transaction(engine) as connection:
            for seats in capacities:
                if seats not in venues:
                    venues[seats] = make_venue(connection, plan(seats))
                ids.append(make_show(connection, venues[seats], show))
    finally:
        engine.dispose()
    return ids
