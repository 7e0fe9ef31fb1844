"""What schedules are played on: two real servers, one database, and for each schedule the same fresh shows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import Engine

from core.halls import Hall
from core.settings import Settings
from core.shows import ShowSettings
from db import installation
from db.installation import Installation
from db.kv import scripts
from db.kv.rounds import connection_pool
from db.postgres import catalogue, fences, halls, movies
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import migrate
from proof.kit import clock, sql
from proof.kit.environment import offline_settings
from proof.kit.servers import start_servers
from proof.kit.shows import HOUR_MS, plan
from proof.simulator.seams import SeamRedis, SeamRounds, seam_engine

LANES = 2
#: Of a hold. The clock is moved further than this at once, so the real time of a run does not matter.
HOLD_MS = 24 * HOUR_MS
SHOWS = 3
DAY_MS = 24 * HOUR_MS


@dataclass
class Ground:
    """Open connections to the servers, kept from one schedule to the next. `client` and `engine` have no points."""

    settings: Settings
    engine: Engine
    client: redis.Redis
    hall_id: int
    movie_id: int
    labels: list[str]
    seam_engines: list[Engine]
    seam_clients: list[redis.Redis]
    seam_rounds: list[SeamRounds]
    installation: Installation

    def fresh(self, now_ms: int) -> list[int]:
        """Empty everything; returns the ids of new shows: the same ones every time."""
        self.client.flushdb()
        show = ShowSettings(
            sales_close_ms=now_ms + 900 * DAY_MS,
            starts_ms=now_ms + 900 * DAY_MS,
            seats_per_user=4,
            hold_ms=HOLD_MS,
            prices={"standard": 1000, "premium": 1500},
        )
        with transaction(self.engine) as connection:
            connection.execute(sql.EMPTY)
            connection.execute(sql.FORGET_LANES)
            fences.create(connection, LANES)
            shows = [
                catalogue.insert_show(
                    connection, movie_id=self.movie_id, hall_id=self.hall_id, settings=show, capacity=len(self.labels)
                )
                for _ in range(SHOWS)
            ]
            for show_id in shows:
                catalogue.insert_seats(connection, show_id, self.labels)
        return shows


@contextmanager
def ground(database_url: str, redis_url: str) -> Iterator[Ground]:
    """The ground on a database that is migrated here; for five processes: two apis, two workers and the expirer."""
    engine = make_engine(database_url, pool_size=2)
    migrate(engine)
    plan_: dict[str, Any] = plan(2, 3)
    labels = list(Hall.from_plan(0, plan_).seats)
    with transaction(engine) as connection:
        drawn = installation.create(connection, LANES)
        movie = movies.insert_movie(
            connection, {"title": "Baton", "description": "", "genre": "", "duration_min": 90}
        )
        hall_id = halls.insert_hall(connection, "Studio", plan_, len(labels))
    client = redis.Redis(connection_pool=connection_pool(redis_url, socket_timeout_s=5))
    made = Ground(
        _settings(database_url, redis_url),
        engine,
        client,
        hall_id,
        movie.id,
        labels,
        seam_engines=[seam_engine(database_url) for _ in range(5)],
        seam_clients=[SeamRedis(connection_pool=connection_pool(redis_url, socket_timeout_s=5)) for _ in range(2)],
        seam_rounds=[SeamRounds(redis_url, timeout_s=20) for _ in range(5)],
        installation=drawn,
    )
    try:
        with clock.settable():
            for script in scripts.BY_SHA.values():
                client.script_load(script.source)
            yield made
    finally:
        for rounds in made.seam_rounds:
            rounds.close()
        for each in (*made.seam_clients, client):
            each.close()
        for engine_ in (*made.seam_engines, engine):
            engine_.dispose()


def _settings(database_url: str, redis_url: str) -> Settings:
    """Small batches; leases that never lapse by themselves: the schedule says when."""
    return offline_settings(
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        LANES=str(LANES),
        BATCH="3",
        LEASE_MS="60000",
        DRAIN_S="2",
        LINGER_MS="0",
    )


@contextmanager
def own_ground() -> Iterator[Ground]:
    """The ground on servers of its own, in a folder that is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="onsale-simulator-") as folder,
        start_servers(Path(folder) / "home", fsync=False) as servers,
        ground(servers.database_url, servers.redis_url(1)) as made,
    ):
        yield made
