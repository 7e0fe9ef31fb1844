"""A small demo catalogue: three movies, three halls of different shapes, five shows with two categories."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection

from core.halls import Hall
from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies
from db.postgres.catalogue import Wanted

DAY_MS = 24 * 3600 * 1000
PRICES = {"standard": 1_200, "premium": 1_800}

MOVIES = [
    {"title": "The Long Queue", "genre": "comedy", "duration_min": 104,
     "description": "Everybody wants the same seat. Nobody has it twice."},
    {"title": "Row Lock", "genre": "thriller", "duration_min": 127,
     "description": "She holds the row. He will not wait."},
    {"title": "Exactly Once", "genre": "drama", "duration_min": 96,
     "description": "Some messages come late. Some come again. One is kept."},
]  # fmt: skip


def _row(number: int, *blocks: tuple[int, int, str], aisles: tuple[int, ...] = ()) -> dict[str, Any]:
    named = [{"first": first, "last": last, "category": category} for first, last, category in blocks]
    return {"label": chr(ord("A") + number), "aisles": list(aisles), "blocks": named}


def _studio() -> dict[str, Any]:
    """Return a plan of 48 seats: six rows of eight, the front two premium."""
    return {"rows": [_row(n, (1, 8, "premium" if n < 2 else "standard")) for n in range(6)]}


def _fan() -> dict[str, Any]:
    """Return the plan of a fan that widens towards the back: two aisles, premium in the middle."""
    rows = []
    for n in range(12):
        width = 12 + n
        third = width // 3
        blocks = (
            (1, third, "standard"),
            (third + 1, width - third, "premium"),
            (width - third + 1, width, "standard"),
        )
        rows.append(_row(n, *blocks, aisles=(third, width - third)))
    return {"rows": rows}


def _palace() -> dict[str, Any]:
    """Return a plan of 1,000 seats: twenty rows of fifty, the front seven premium, two aisles."""
    return {"rows": [_row(n, (1, 50, "premium" if n < 7 else "standard"), aisles=(15, 35)) for n in range(20)]}


def load(connection: Connection) -> int | None:
    """Load the catalogue if there are no movies yet; return the id of the next show, or None if there is none.

    Repeat: nothing is added.
    """
    if movies.list_movies(connection, q=None, genre=None, after=None, limit=1):
        upcoming = catalogue.list_upcoming(connection, Wanted(), after=None, limit=1)
        return upcoming[0].id if upcoming else None
    movie_ids = [movies.insert_movie(connection, movie).id for movie in MOVIES]
    plans = [("Studio", _studio()), ("Fan", _fan()), ("Palace", _palace())]
    hall_ids = [
        (halls.insert_hall(connection, name, plan, Hall.from_plan(0, plan).capacity), plan) for name, plan in plans
    ]
    now_ms = int(time.time() * 1000)
    ids = []
    for number, (movie, hall) in enumerate([(0, 0), (1, 1), (2, 2), (0, 2), (1, 0)]):
        hall_id, plan = hall_ids[hall]
        labels = list(Hall.from_plan(hall_id, plan).seats)
        starts_ms = now_ms - now_ms % DAY_MS + (30 + number) * DAY_MS + 20 * 3600 * 1000
        settings = ShowSettings(
            sales_close_ms=starts_ms, starts_ms=starts_ms, seats_per_user=10, hold_ms=120_000, prices=PRICES
        )
        show_id = catalogue.insert_show(
            connection, movie_id=movie_ids[movie], hall_id=hall_id, settings=settings, capacity=len(labels)
        )
        catalogue.insert_seats(connection, show_id, labels)
        ids.append(show_id)
    return ids[0]
