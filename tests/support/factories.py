"""What tests of the API need: applications, catalogue rows, users with tokens, a fake booking service.

Rows are inserted through db/, each in its own transaction. By convention alice buys, and carol is the administrator.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from sqlalchemy import Engine, text

from api.access import tokens
from api.app import close, create_app
from api.assembly import open_backend
from core.errors import RedisUnavailable
from core.halls import Hall
from core.settings import Settings
from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies, users
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS

#: Two rows of premium seats with an aisle, one of standard seats.
PLAN = {
    "rows": [
        {"label": "A", "aisles": [2], "blocks": [{"first": 1, "last": 4, "category": "premium"}]},
        {"label": "B", "blocks": [{"first": 1, "last": 4, "category": "premium"}]},
        {"label": "C", "blocks": [{"first": 1, "last": 6, "category": "standard"}]},
    ]
}
PRICES = {"premium": 1800, "standard": 1200}


@contextmanager
def opened_app(settings: Settings) -> Iterator[Flask]:
    """Open an application with its own connections to the stores; close it at the end of the block."""
    app = create_app(settings, open_backend(settings))
    try:
        yield app
    finally:
        close(app)


@dataclass
class StandInService:
    """A fake booking service. `unavailable`: its Redis is unavailable; `state`: the lanes that it reports."""

    unavailable: bool = False
    leaving: bool = False
    state: Sequence[Any] = field(
        default_factory=lambda: [
            SimpleNamespace(lane=0, depth=3, oldest_age_ms=1500, drained_by="token"),
            SimpleNamespace(lane=1, depth=0, oldest_age_ms=0, drained_by="rung"),
        ]
    )

    @property
    def intake(self) -> StandInService:
        return self

    async def check_redis(self) -> int:
        return len(self.lanes())

    def lanes(self) -> Sequence[Any]:
        if self.unavailable:
            raise RedisUnavailable
        return self.state

    def close(self) -> None:
        pass


def make_movie(engine: Engine, title: str = "Row Lock", genre: str = "drama") -> int:
    """Insert a movie; return its id."""
    values = {"title": title, "description": "", "genre": genre, "duration_min": 90}
    with transaction(engine) as connection:
        return movies.insert_movie(connection, values).id


def make_hall(engine: Engine, plan: dict[str, Any] = PLAN, name: str = "Studio") -> int:
    """Insert a hall; return its id."""
    with transaction(engine) as connection:
        return halls.insert_hall(connection, name, plan, Hall.from_plan(0, plan).capacity)


def make_show(
    engine: Engine,
    *,
    movie_id: int | None = None,
    starts_in_ms: int = HOUR_MS,
    plan: dict[str, Any] = PLAN,
    **settings: Any,
) -> int:
    """Insert a show that is on sale, with all its seats; return its id."""
    movie_id = movie_id or make_movie(engine)
    hall_id = make_hall(engine, plan)
    starts_ms = int(time.time() * 1000) + starts_in_ms
    values = {
        "sales_close_ms": starts_ms,
        "starts_ms": starts_ms,
        "seats_per_user": 10,
        "hold_ms": 120_000,
        "prices": PRICES,
        **settings,
    }
    labels = list(Hall.from_plan(hall_id, plan).seats)
    with transaction(engine) as connection:
        show_id = catalogue.insert_show(
            connection,
            movie_id=movie_id,
            hall_id=hall_id,
            settings=ShowSettings(**values),
            capacity=len(labels),
        )
        catalogue.insert_seats(connection, show_id, labels)
    return show_id


def sell(engine: Engine, show_id: int, *labels: str, status: str = "SOLD") -> None:
    """Change seats and version as a lane's transaction does, but without bookings."""
    counter = {"SOLD": "sold", "HELD": "held"}[status]
    with transaction(engine) as connection:
        connection.execute(
            text(
                """
                UPDATE seats
                SET status = :status, booking_id = gen_random_uuid()
                WHERE show_id = :show_id AND label = ANY(:labels)
                """
            ),
            {"status": status, "show_id": show_id, "labels": list(labels)},
        )
        connection.execute(
            text(f"UPDATE shows SET version = version + 1, {counter} = {counter} + :n WHERE id = :show_id"),  # noqa: S608
            {"n": len(labels), "show_id": show_id},
        )


def make_admin(engine: Engine, email: str = "carol@example.com") -> UUID:
    """Insert an administrator who cannot log in, because the hash is not valid; return the id."""
    with transaction(engine) as connection:
        return users.insert_admin(connection, email, "no hash at all")


def headers_of(app: Flask, user_id: UUID | None = None, role: str = "user") -> dict[str, str]:
    """Return the Authorization header of a user, by default of one without an account."""
    with app.app_context():
        return {"Authorization": f"Bearer {tokens.mint(user_id or uuid4(), role)}"}


def codes_of(body: dict[str, Any]) -> set[str]:
    """Return the pointers and parameters that a problem names."""
    return {fault.get("pointer", fault.get("parameter", "?")) for fault in body.get("errors", [])}
