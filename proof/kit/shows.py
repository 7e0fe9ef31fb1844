"""The halls, movies and shows that proofs and tests sell: their plans, and how to create them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.halls import Hall
from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies
from db.postgres.engine import make_engine, transaction
from proof.kit.client import Client

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: Of a show, unless a proof needs others.
SETTINGS: dict[str, Any] = {"seats_per_user": 10, "hold_ms": 120_000, "prices": {"standard": 1_200}}
#: Minutes of a movie.
DURATION_MIN = 90


def plan(rows: int, seats: int, premium: int = 0) -> dict[str, Any]:
    """Return a hall's plan of equal rows A, B, ...; the first `premium` rows are of that category."""
    return {
        "rows": [
            {
                "label": chr(ord("A") + number),
                "blocks": [{"first": 1, "last": seats, "category": "premium" if number < premium else "standard"}],
            }
            for number in range(rows)
        ]
    }


def settings(**changes: Any) -> ShowSettings:
    """Return the settings of a show that is on sale until it starts, 30 days from now unless `starts_ms` is given."""
    starts_ms = changes.get("starts_ms", int(time.time() * 1000) + 30 * DAY_MS)
    return ShowSettings(**{"starts_ms": starts_ms, "sales_close_ms": starts_ms, **SETTINGS, **changes})


@dataclass(frozen=True, slots=True)
class Venue:
    """A hall in Postgres, the movie that is shown in it, and the labels of the hall's seats."""

    hall_id: int
    movie_id: int
    labels: list[str]


def make_venue(connection: Connection, hall_plan: dict[str, Any], title: str = "A film") -> Venue:
    """Insert a hall and a movie."""
    labels = list(Hall.from_plan(0, hall_plan).seats)
    movie = {"title": title, "description": "", "genre": "", "duration_min": DURATION_MIN}
    movie_id = movies.insert_movie(connection, movie).id
    return Venue(halls.insert_hall(connection, "A hall", hall_plan, len(labels)), movie_id, labels)


def make_show(connection: Connection, venue: Venue, show: ShowSettings) -> int:
    """Insert a show with all its seats; return its id."""
    show_id = catalogue.insert_show(
        connection, movie_id=venue.movie_id, hall_id=venue.hall_id, settings=show, capacity=len(venue.labels)
    )
    catalogue.insert_seats(connection, show_id, venue.labels)
    return show_id


def make_show_in(database_url: str, hall_plan: dict[str, Any]) -> int:
    """Insert a hall, a movie and a show with default settings into a database; return the show's id."""
    engine = make_engine(database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            return make_show(connection, make_venue(connection, hall_plan), settings())
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Catalogue:
    """Creates halls, movies and shows over HTTP, with an administrator's token. Raises what Client.call does."""

    client: Client
    token: str

    def movie(self, title: str = "A film") -> int:
        """Create a movie; return its id."""
        return self._create("/api/movies", {"title": title, "duration_min": DURATION_MIN})

    def hall(self, hall_plan: dict[str, Any], name: str = "A hall") -> int:
        """Create a hall; return its id."""
        return self._create("/api/halls", {"name": name, "plan": hall_plan})

    def show(self, movie_id: int, hall_id: int, starts_at: str, prices: dict[str, int], **more: Any) -> int:
        """Create a show; return its id. `more`: other fields of the request."""
        body = {"movie_id": movie_id, "hall_id": hall_id, "starts_at": starts_at, "prices": prices, **more}
        return self._create("/api/shows", body)

    def _create(self, path: str, body: dict[str, Any]) -> int:
        return int(self.client.call("POST", path, body, token=self.token)["id"])
