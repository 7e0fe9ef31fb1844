"""`onsale status`: the lanes, and the seats of upcoming shows as their counters say."""

from __future__ import annotations

from ops.status import stores
from ops.up.running import RunningSystem
from tests.support.factories import make_show
from tests.support.stage import Stage


def test_seats_are_counted_by_the_shows_counters_and_past_shows_are_not(stage: Stage, database_url: str) -> None:
    show = stage.show(rows=1, seats=5)
    make_show(stage.stores.engine, starts_in_ms=-1)
    stage.book(show, "A1", "A2")
    stage.book(show, "A3", hold=True)
    stage.drain(show)
    settings = stage.stores.settings
    where = RunningSystem(
        database_url=database_url, redis_url=settings.redis_url, broker_url="", jwt_secret="", base_url=""
    )

    assert stores(where)["seats"] == {"free": 2, "held": 1, "sold": 2}


def test_a_store_that_is_unavailable_is_said_to_be_so(settings: object, redis_url: str) -> None:
    nowhere = "postgresql+psycopg://onsale@127.0.0.1:1/onsale"
    where = RunningSystem(database_url=nowhere, redis_url=redis_url, broker_url="", jwt_secret="", base_url="")

    assert "cannot be reached" in stores(where)["seats"]
