"""The fixture of all schedules: two real servers, one database, and for each schedule the same fresh shows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlalchemy import Engine

from core.settings import Settings
from db import installation
from db.installation import Installation
from db.kv import scripts
from db.kv.rounds import connection_pool
from db.postgres import fences
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import migrate
from proof.kit import clock, sql
from proof.kit.environment import offline_settings
from proof.kit.servers import start_servers
from proof.kit.shows import DAY_MS, Venue, make_show, make_venue, plan, settings
from proof.simulator.seams import SeamRedis, SeamRounds, seam_engine

LANES = 2
#: Milliseconds of a hold. The clock is moved further than this at once, so the real time of a run does not matter.
HOLD_MS = DAY_MS
SHOWS = 3
#: The prices of a show, as created and as they may change meanwhile.
PRICES = ({"standard": 1000}, {"standard": 1100})
#: A schedule moves the clock by days; its shows start and close far later than that.
STARTS_IN_MS = 900 * DAY_MS


@dataclass
class Fixture:
    """Open connections to the servers, kept between schedules. `client` and `engine` have no points."""

    settings: Settings
    engine: Engine
    client: redis.Redis
    venue: Venue
    seam_engines: list[Engine]
    seam_clients: list[redis.Redis]
    seam_rounds: list[SeamRounds]
    installation: Installation

    def fresh(self, now_ms: int) -> list[int]:
        """Empty everything and insert new shows; return their ids, which are the same every time."""
        self.client.flushdb()
        times = {"starts_ms": now_ms + STARTS_IN_MS, "hold_ms": HOLD_MS, "hold_extension_ms": HOLD_MS}
        show = settings(**times, seats_per_user=4, prices=PRICES[0])
        with transaction(self.engine) as connection:
            connection.execute(sql.EMPTY)
            connection.execute(sql.FORGET_LANES)
            fences.create(connection, LANES)
            return [make_show(connection, self.venue, show) for _ in range(SHOWS)]


@contextmanager
def open_fixture(database_url: str, redis_url: str) -> Iterator[Fixture]:
    """Migrate a database and open the connections of five processes: two apis, two workers and the expirer."""
    engine = make_engine(database_url, pool_size=2)
    migrate(engine)
    with transaction(engine) as connection:
        installed = installation.create(connection, LANES)
        venue = make_venue(connection, plan(2, 3))
    client = redis.Redis(connection_pool=connection_pool(redis_url, socket_timeout_s=5))
    made = Fixture(
        _settings(database_url, redis_url),
        engine,
        client,
        venue,
        seam_engines=[seam_engine(database_url) for _ in range(5)],
        seam_clients=[SeamRedis(connection_pool=connection_pool(redis_url, socket_timeout_s=5)) for _ in range(2)],
        seam_rounds=[SeamRounds(redis_url, timeout_s=20) for _ in range(5)],
        installation=installed,
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
    """Return settings with small batches, and with leases that only the schedule lets lapse."""
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
def own_fixture() -> Iterator[Fixture]:
    """Start servers for a fixture, in a folder that is removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="onsale-simulator-") as folder,
        start_servers(Path(folder) / "home", fsync=False) as servers,
        open_fixture(servers.database_url, servers.redis_url(1)) as made,
    ):
        yield made
