"""Seat maps on the hot path: a map that this process keeps is sent as it is, after one look at its version in Redis.

In the hot minute everybody's page asks for the map again and again. The drain publishes a show's version with the
outcomes that changed it, so whoever has seen an outcome finds it in the map. Flask's view makes the maps, and stands
behind this: for a version that is not kept, without Redis, and every few seconds, so that a card which Redis lost or
brought back from an older file is not believed for long.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from redis.exceptions import RedisError
from werkzeug.http import parse_etags

from api.door import Door
from api.replies import Reply
from api.schemas import MAX_ID
from api.seatmaps import SeatMap, SeatMaps
from core.errors import OnsaleError
from core.ids import lane_of
from db import keys
from db.async_rounds import AsyncRounds

#: The rule of shows.py that is answered here, as metrics name it.
RULE = "/api/shows/<int:show_id>/seats"
PATH = re.compile(r"/api/shows/([1-9][0-9]{0,9})/seats", re.ASCII)
#: Seconds for which a map that Postgres has confirmed is kept up by Redis alone.
BELIEVED_S = 5.0
#: Seconds without a further attempt when Redis did not answer: one that hangs must not hold up each look at a map.
REST_S = 1.0


class HotMaps:
    """The maps of one api process, as its event loop sends them."""

    def __init__(self, maps: SeatMaps, rounds: AsyncRounds, door: Door, threads: ThreadPoolExecutor) -> None:
        """Args: threads: where `door` asks its stores for what was drawn at the first start."""
        self._maps = maps
        self._rounds = rounds
        self._door = door
        self._threads = threads
        self._rests_until = 0.0

    async def reply(self, show_id: int, has: bytes | None) -> Reply | None:
        """The map of a show, or 304 for a client that has this version; None: that is for Flask to answer."""
        known, now_s = self._maps.kept(show_id), time.monotonic()
        if known is None or now_s - known.checked_s > BELIEVED_S or now_s < self._rests_until:
            return None
        if not self._door.ready:
            self._rests_until = now_s + REST_S
            self._threads.submit(self._learn)
            return None
        command = ("HGET", keys.card(lane_of(show_id, self._door.lanes_count), show_id), "v")
        try:
            [version] = await self._rounds.call([command], writes=False)
        except (OnsaleError, RedisError):
            self._rests_until = time.monotonic() + REST_S
            return None
        # No card: nothing has happened to the show, or Redis was wiped; then Postgres is asked soon.
        return _reply(known, has) if version is None or int(version) <= known.version else None

    def _learn(self) -> None:
        with suppress(OnsaleError):
            self._door.learn()
            self._rests_until = 0.0


def show_of(path: str) -> int | None:
    """The show whose map a path names; None if it names none."""
    match = PATH.fullmatch(path)
    return int(match[1]) if match and int(match[1]) <= MAX_ID else None


def _reply(known: SeatMap, has: bytes | None) -> Reply:
    headers = [("ETag", f'"{known.version}"')]
    if has is not None and parse_etags(has.decode("latin-1")).contains_weak(str(known.version)):
        return Reply(304, "", headers, public=True)
    return Reply(200, known.body, headers, public=True)
