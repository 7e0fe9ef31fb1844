"""The events of a booking: its place in line as it moves, and its outcome.

A stream looks at the booking when it is published (long_poll.py), as `?wait=` does. In between only its place in line
changes, which depends on the lane's meter: that is read at most twice a second for all streams of a lane together.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from functools import partial
from uuid import UUID

from api.bookings import status_body
from api.bookings.intake import Intake
from api.bookings.long_poll import LongPolls
from api.bookings.service import LOOK_AGAIN_S, BookingService, RedisCalls
from api.bookings.status_body import Seen
from api.web.errors import Busy
from api.web.streams import Stream, event
from core.ids import lane_of, show_of
from core.queue_position import Meter
from db.kv import keys, meters

#: Seconds between two events about a place in line: at least, and at most, in a long line.
PACE_S, MOST_PACE_S = 0.5, 2.5


class Meters:
    """The meters of lanes, each read at most once in PACE_S, however many streams need it."""

    def __init__(self, redis: RedisCalls, intake: Intake) -> None:
        self._redis = redis
        self._intake = intake
        self._read: dict[int, tuple[float, asyncio.Task[Meter]]] = {}

    async def of(self, show_id: int) -> Meter:
        """Return the meter of a show's lane, at most PACE_S old. Raises: RedisUnavailable."""
        lane, now_s = lane_of(show_id, self._intake.lanes_count), time.monotonic()
        at_s, task = self._read.get(lane, (0.0, None))
        if task is None or at_s + 0.9 * PACE_S < now_s:
            task = asyncio.get_running_loop().create_task(self._call(lane))
            self._read[lane] = now_s, task
        return await asyncio.shield(task)

    async def _call(self, lane: int) -> Meter:
        commands = [("HMGET", keys.meter(lane), *meters.FIELDS), ("TIME",), ("XLEN", keys.lane(lane))]
        values, (seconds, micros), depth = await self._redis.call(commands, writes=False)
        return meters.read(values, int(seconds) * 1000 + int(micros) // 1000, empty=not depth)


class BookingEvents:
    """Feeds the streams of bookings on the event loop of an api process."""

    def __init__(self, service: BookingService, long_polls: LongPolls, redis: RedisCalls) -> None:
        self._service = service
        self._long_polls = long_polls
        self._meters = Meters(redis, service.intake)

    async def feed(self, booking_id: UUID, user_id: UUID, last_id: str | None, stream: Stream) -> None:
        """Write a booking's events until nothing about it can change soon, or the stream ends.

        Args:    last_id: Last-Event-ID; a client that has the present status gets no first event.
        Raises:  Busy: no slot is free.   As BookingService.look.
        """
        news = asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, news.set)
        if not self._long_polls.take_slot(booking_id, wake):
            raise Busy
        stream.wake = news.set
        try:
            seen = await self._service.look(booking_id, user_id)
            stream.start()
            while not stream.ended.is_set():
                if seen.etag != last_id:
                    stream.write(event("booking", seen.body, seen.etag))
                    last_id = seen.etag
                if seen.poll_after_ms is None:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_pause_s(seen)):
                        await news.wait()
                if not stream.ended.is_set():
                    seen = await self._next(booking_id, user_id, seen, news)
        finally:
            self._long_polls.free_slot(booking_id, wake)

    async def once(self, booking_id: UUID, user_id: UUID, last_id: str | None) -> bytes:
        """Return the first event of a stream, for a transport that cannot keep it open. Raises: as `look`."""
        seen = await self._service.look(booking_id, user_id)
        return b"" if seen.etag == last_id else event("booking", seen.body, seen.etag)

    async def _next(self, booking_id: UUID, user_id: UUID, seen: Seen, news: asyncio.Event) -> Seen:
        """Return the status now: from the meter alone if only the place in line can have changed."""
        if not news.is_set() and seen.fields is not None:
            meter = await self._meters.of(show_of(booking_id))
            if not status_body.passed(seen.fields, meter):
                return status_body.of_fields(booking_id, seen.fields, meter)
        news.clear()
        return await self._service.look(booking_id, user_id)


def _pause_s(seen: Seen) -> float:
    """Return how long nothing need be looked at, seconds: a place in a long line moves for long."""
    if seen.fields is None or seen.poll_after_ms is None:
        return MOST_PACE_S if seen.waits else random.uniform(*LOOK_AGAIN_S)
    return min(MOST_PACE_S, max(PACE_S, seen.poll_after_ms / 4000))
