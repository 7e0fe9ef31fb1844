"""The shows of a case: one whose holds last, and one whose holds lapse at once. They lie in two lanes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from core.halls import Hall
from core.ids import lane_of
from core.shows import ShowSettings
from db import installation
from db.kv import cards, keys
from db.kv.rounds import Command, Rounds
from db.postgres import catalogue, halls, movies, shows
from db.postgres.engine import make_engine, transaction

ROWS, SEATS = 26, 8
HOUR_MS = 3_600_000
#: Milliseconds that a hold of the short show lasts.
LAPSE_MS = 300
PLAN = {
    "rows": [
        {"label": chr(ord("A") + row), "blocks": [{"first": 1, "last": SEATS, "category": "standard"}]}
        for row in range(ROWS)
    ]
}


@dataclass(frozen=True, slots=True)
class Shows:
    """Their ids, and the key of the derivation of booking ids."""

    long: int
    short: int
    booking_secret: bytes


def make_shows(database_url: str, rounds: Rounds, lanes: int) -> Shows:
    """Make both, on sale now, their cards published."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            made = [_make(connection, hold_ms) for hold_ms in (HOUR_MS, LAPSE_MS)]
            rows = [shows.get(connection, show_id) for show_id in made]
            secret = installation.get(connection).booking_secret
    finally:
        engine.dispose()
    for row in rows:
        assert row is not None
        card = cards.card(
            row.settings, version=row.version, hall_id=row.hall_id, sold_out_until_ms=0, forgets_at_ms=None
        )
        cards.publish(rounds, row.id, card, lanes)
    return Shows(made[0], made[1], secret)


def forget_cards(rounds: Rounds, shows: Shows, lanes: int) -> None:
    """Take both cards out of Redis, as if it had lost them: an api that knows the hall finds no card to accept by."""
    commands: list[Command] = [("DEL", keys.card(lane_of(id_, lanes), id_)) for id_ in (shows.long, shows.short)]
    rounds.call(commands, writes=True)


def _make(connection: Connection, hold_ms: int) -> int:
    end_ms = int(time.time() * 1000) + HOUR_MS
    settings = ShowSettings(
        sales_close_ms=end_ms, starts_ms=end_ms, seats_per_user=10, hold_ms=hold_ms, prices={"standard": 1_000}
    )
    labels = list(Hall.from_plan(0, PLAN).seats)
    movie = {"title": "The Crash", "description": "", "genre": "", "duration_min": 90}
    hall_id = halls.insert_hall(connection, "Studio", PLAN, len(labels))
    show_id = catalogue.insert_show(
        connection,
        movie_id=movies.insert_movie(connection, movie).id,
        hall_id=hall_id,
        settings=settings,
        capacity=len(labels),
    )
    catalogue.insert_seats(connection, show_id, labels)
    return show_id
