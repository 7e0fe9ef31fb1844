"""The shows that a measurement sells: halls of equal rows, everything at one price, on sale now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from core.halls import Hall
from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies
from db.postgres.engine import make_engine, transaction
from ops.rush.shows import row_label

#: Seats per row.
ROW = 1_000
DAY_MS = 24 * 3_600_000


def plan(seats: int) -> dict[str, Any]:
    """A plan of exactly so many seats."""
    rows = []
    for index in range(-(-seats // ROW)):
        last = min(ROW, seats - index * ROW)
        rows.append({"label": row_label(index), "blocks": [{"first": 1, "last": last, "category": "standard"}]})
    return {"rows": rows}


def label(number: int) -> str:
    """The seat with this number, counted from 0."""
    return f"{row_label(number // ROW)}{number % ROW + 1}"


def make_shows(database_url: str, capacities: Sequence[int]) -> list[int]:
    """Make a show per capacity and return their ids. Shows of one size share their hall."""
    starts_ms = int(time.time() * 1000) + 30 * DAY_MS
    settings = ShowSettings(
        sales_close_ms=starts_ms, starts_ms=starts_ms, seats_per_user=10, hold_ms=120_000, prices={"standard": 1_200}
    )
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=120_000)
    known: dict[int, tuple[int, list[str]]] = {}
    ids = []
    try:
        with transaction(engine) as connection:
            movie = {"title": "The Bench", "description": "", "genre": "", "duration_min": 90}
            movie_id = movies.insert_movie(connection, movie).id
            for seats in capacities:
                if seats not in known:
                    made = plan(seats)
                    hall_id = halls.insert_hall(connection, f"Hall of {seats}", made, seats)
                    known[seats] = hall_id, list(Hall.from_plan(hall_id, made).seats)
                hall_id, labels = known[seats]
                show_id = catalogue.insert_show(
                    connection, movie_id=movie_id, hall_id=hall_id, settings=settings, capacity=seats
                )
                catalogue.insert_seats(connection, show_id, labels)
                ids.append(show_id)
    finally:
        engine.dispose()
    return ids
