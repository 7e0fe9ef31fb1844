"""The stores that an api process uses: settings, Postgres, and the door that accepts bookings in Redis.

They hang on the application (`app.extensions["onsale"]`), so that tests run several side by side. Opening
them connects to nothing: an api starts, and answers /healthz, while both servers are away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from sqlalchemy import Engine

from api.door import Door
from core.settings import Settings
from db import guard
from db.engine import make_engine

#: Warm bookings never touch Postgres, so few connections are enough; when they are all busy, better say so.
POOL_SIZE = 5
#: The API must fail fast when Postgres is in trouble: its threads are wanted by bookings.
STATEMENT_TIMEOUT_MS = 2_000
LOCK_TIMEOUT_MS = 500


@dataclass(frozen=True, slots=True)
class Stores:
    """What a view may use. `door` accepts operations, reads statuses and lanes."""

    settings: Settings
    engine: Engine
    door: Any = None


def open_stores(settings: Settings) -> Stores:
    """The stores of one api process. Connects to nothing."""
    engine = make_engine(
        settings.database_url,
        pool_size=POOL_SIZE,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        greet=guard.for_postgres(settings, "api"),
    )
    return Stores(settings=settings, engine=engine, door=Door(settings, engine))


def stores() -> Stores:
    """The stores of the application that answers the current request."""
    return cast(Stores, current_app.extensions["onsale"])
