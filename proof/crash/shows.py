"""The shows of a case: one whose holds last, and one whose holds lapse at once. They are in two lanes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from core.ids import lane_of
from db import installation
from db.kv import cards, keys
from db.kv.rounds import Command, Rounds
from db.postgres import shows
from db.postgres.engine import make_engine, transaction
from proof.kit.shows import HOUR_MS, make_show, make_venue, plan, settings

ROWS, SEATS = 26, 8
#: Milliseconds that a hold of the short show lasts.
LAPSE_MS = 300


@dataclass(frozen=True, slots=True)
class Shows:
    """Their ids, and the key from which booking ids are derived."""

    long: int
    short: int
    booking_secret: bytes


def make_shows(database_url: str, rounds: Rounds, lanes: int) -> Shows:
    """Create both, on sale now, and publish their cards."""
    starts_ms = int(time.time() * 1000) + HOUR_MS
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            made = [
                make_show(connection, make_venue(connection, plan(ROWS, SEATS)), show)
                for show in (settings(starts_ms=starts_ms, hold_ms=hold_ms) for hold_ms in (HOUR_MS, LAPSE_MS))
            ]
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
    """Delete both cards from Redis, as if it had lost them: an api that knows the hall finds no card."""
    commands: list[Command] = [("DEL", keys.card(lane_of(id_, lanes), id_)) for id_ in (shows.long, shows.short)]
    rounds.call(commands, writes=True)
