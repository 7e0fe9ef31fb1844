"""The seat map of a show as requests get it: from this process's cache, after a check of the show's version.

While a sale is hot, every client's page polls the map. The drain publishes a show's version in Redis together with
the outcomes that changed it, so clients who have seen an outcome find it in the map. Postgres is read for a version
that is not cached, when Redis does not answer, and every few seconds, so that a card that Redis has lost or restored
from an older file is not trusted for long.
"""

from __future__ import annotations

import time
from contextlib import suppress

from redis.exceptions import RedisError

from api.bookings.intake import Intake
from api.bookings.service import RedisCalls
from api.catalogue.seat_map_cache import SeatMap, SeatMapCache
from api.web.errors import NoSuchShow
from api.web.reply import Reply
from api.web.threads import Runs
from core.errors import OnsaleError
from core.ids import lane_of
from db.kv import keys

#: Seconds for which the version in Redis is trusted after Postgres has confirmed a map.
BELIEVED_S = 5.0
#: Seconds before Redis is tried again when it did not answer: if it hangs, it must not delay every request for a map.
REST_S = 1.0


class SeatMapService:
    """Answers requests for seat maps on the event loop of an api process."""

    def __init__(self, cache: SeatMapCache, redis: RedisCalls, intake: Intake, threads: Runs) -> None:
        """Args: threads: where Postgres is called."""
        self._cache = cache
        self._redis = redis
        self._intake = intake
        self._threads = threads
        self._rests_until = 0.0

    async def reply(self, show_id: int) -> Reply:
        """Return the map of a show, with its version as the ETag. Raises: NoSuchShow, PostgresUnavailable, Busy."""
        self._intake.refuse_absent(show_id)
        known = self._cache.kept(show_id)
        wanted = await self.published(show_id)
        if (
            known is None
            or wanted is None
            or known.version < wanted
            or time.monotonic() > known.checked_s + BELIEVED_S
        ):
            # A call is shared by requests for the same version: one begun for an older version might miss this one.
            known = await self._threads.once(self._from_postgres, show_id, wanted)
        version = str(known.version)
        headers = [("ETag", f'"{version}"')]
        return Reply(200, known.body, headers, public=True, etag=version, gzipped=known.gzipped)

    async def published(self, show_id: int) -> int | None:
        """Return the show's version by its card in Redis; 0 if it has no card; None if Redis cannot be read."""
        if not self._intake.ready or time.monotonic() < self._rests_until:
            return None
        command = ("HGET", keys.card(lane_of(show_id, self._intake.lanes_count), show_id), "v")
        try:
            [version] = await self._redis.call([command], writes=False)
        except (OnsaleError, RedisError):
            self._rests_until = time.monotonic() + REST_S
            return None
        # No card: nothing has happened to the show, or Redis was wiped, which Postgres corrects within BELIEVED_S.
        return int(version or 0)

    def _from_postgres(self, show_id: int, _wanted: int | None) -> SeatMap:
        if not self._intake.ready and time.monotonic() >= self._rests_until:
            self._rests_until = time.monotonic() + REST_S
            with suppress(OnsaleError):
                self._intake.learn()
                self._rests_until = 0.0
        version = self._cache.version(show_id)
        if version is None:
            self._intake.remember_absent(show_id)
            raise NoSuchShow
        return self._cache.at_least(show_id, version)
