"""The halls of the shows that an api process knows: requests for seats are checked against them.

A hall is read once per process: from Redis, or from Postgres if Redis lacks it, and is then published to Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from redis.exceptions import OutOfMemoryError
from sqlalchemy import Engine

from core import logs
from core.halls import Hall
from core.recent import Recent
from db.kv import cards
from db.kv.rounds import Rounds
from db.postgres import halls
from db.postgres.catalogue import ShowListing
from db.postgres.engine import transaction
from db.postgres.halls import HallRow

log = logs.logger(__name__)

#: Max shows whose hall's id a process remembers.
SHOWS = 50_000
#: Max bytes of the halls that a process remembers: some 4,000 screens, or 200 stadiums.
HALLS_BYTES = 32_000_000


class KnownHalls:
    """The halls of one api process; its threads share them."""

    def __init__(self, rounds: Rounds, engine: Engine) -> None:
        self._rounds = rounds
        self._engine = engine
        self._of_shows: Recent[int, int] = Recent(SHOWS)
        self._halls: Recent[int, Hall] = Recent(HALLS_BYTES, lambda hall: hall.size)

    def known(self, show_id: int) -> Hall | None:
        """Return the hall of a show, if both are remembered. Touches no store."""
        hall_id = self._of_shows.get(show_id)
        return None if hall_id is None else self._halls.get(hall_id)

    def of_show(self, show_id: int, find: Callable[[], int]) -> Hall:
        """Return the hall of a show; `find` returns its id. Of concurrent callers, only one calls the stores.

        Raises: RedisUnavailable, AcceptUnknown, PostgresUnavailable, and what `find` raises.
        """
        hall_id = self._of_shows.get_or_make(show_id, find)
        return self._halls.get_or_make(hall_id, partial(self._read, hall_id))

    def announce(self, show: ShowListing, row: HallRow, hall: Hall, lanes: int) -> None:
        """Publish the card of a new show and the plan of its hall, so that its first buyers need no Postgres.

        Raises: RedisUnavailable, AcceptUnknown, and OutOfMemoryError: Redis is at maxmemory.   Repeat: safe.
        """
        self._halls.put(hall.id, hall)
        self._of_shows.put(show.id, hall.id)
        card = cards.card(
            show.settings, version=show.version, hall_id=hall.id, sold_out_until_ms=0, forgets_at_ms=None
        )
        cards.publish_plan(self._rounds, hall.id, row.plan)
        cards.publish(self._rounds, show.id, card, lanes, ttl_ms=cards.ttl_ms(show.settings))

    def forget(self, show_id: int) -> None:
        """Forget the hall of a show that was deleted."""
        self._of_shows.drop(show_id)

    def _read(self, hall_id: int) -> Hall:
        hall = cards.hall(self._rounds, hall_id)
        if hall is None:
            with transaction(self._engine) as connection:
                row = halls.get_hall(connection, hall_id)
            assert row is not None  # shows_hall_exists
            try:
                cards.publish_plan(self._rounds, hall_id, row.plan)
            except OutOfMemoryError:
                log.warning("not_published", hall_id=hall_id)
            hall = Hall.from_plan(hall_id, row.plan)
        return hall
