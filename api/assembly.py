"""Assembly: builds the backend of an api process (api/web/backend.py) from its settings.

It connects to nothing: an api starts, and answers /healthz, while Redis and Postgres are unavailable.
"""

from __future__ import annotations

from functools import partial

from api.bookings.booking_events import BookingEvents
from api.bookings.doorbells import Doorbells
from api.bookings.intake import Intake
from api.bookings.long_poll import LongPolls
from api.bookings.service import BookingService
from api.catalogue.followed_shows import FollowedShows
from api.catalogue.layouts import LayoutService
from api.catalogue.seat_map_cache import SeatMapCache
from api.catalogue.seat_maps import SeatMapService
from api.catalogue.seat_states import SeatStateService
from api.catalogue.show_events import ShowEvents
from api.server.event_loop import EventLoop
from api.web.backend import Backend
from api.web.postgres_probe import PostgresProbe
from api.web.streams import Streams
from api.web.threads import Threads
from core.settings import Settings
from db import guard
from db.kv.async_rounds import AsyncRounds
from db.kv.channels import Channels
from db.postgres.engine import make_engine
from workers.actors import ring

#: Connections to Postgres. Warm bookings never touch it, so few are enough; while all are busy, calls fail fast.
POOL_SIZE = 5
#: The API must fail fast when Postgres is in trouble, so that its threads are free for other requests.
STATEMENT_TIMEOUT_MS = 2_000
LOCK_TIMEOUT_MS = 500
#: Threads for the services' calls to Postgres; max calls that wait for one; max seconds each of them waits. When a
#: season goes on sale, each process gets requests for hundreds of new shows at once; a show takes 2 ms.
THREADS, WAITING, PATIENCE_S = 8, 8_000, 2.0
#: Seat maps have separate threads: they need no token, and a large one is slow to build.
MAP_THREADS = 2


def open_backend(settings: Settings) -> Backend:
    """Return the backend of one api process. Connects to nothing."""
    engine = make_engine(
        settings.database_url,
        pool_size=POOL_SIZE,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
        greet=guard.for_postgres(settings, "api"),
    )
    questions = guard.for_redis(settings)
    redis, intake = AsyncRounds(settings.redis_url, questions=questions), Intake(settings, engine)
    threads, doorbells = Threads(THREADS, waiting=WAITING, patience_s=PATIENCE_S, name="backend"), Doorbells(ring)
    map_threads = Threads(MAP_THREADS, waiting=WAITING, patience_s=PATIENCE_S, name="maps")
    long_polls = LongPolls(settings.redis_url, settings.waiters, questions)
    cache = SeatMapCache(engine)
    seat_maps = SeatMapService(cache, redis, intake, map_threads)
    followed = FollowedShows(cache, map_threads, partial(Channels, settings.redis_url, questions=questions))
    seat_states = SeatStateService(followed, seat_maps, intake)
    service = BookingService(redis, intake, long_polls, threads, doorbells.ring)
    return Backend(
        settings=settings,
        engine=engine,
        loop=EventLoop(),
        service=service,
        seat_maps=seat_maps,
        seat_states=seat_states,
        layouts=LayoutService(engine, map_threads),
        followed=followed,
        streams=Streams(settings.streams, settings.streams_per_user, settings.heartbeat_s),
        show_events=ShowEvents(seat_states),
        booking_events=BookingEvents(service, long_polls, redis),
        probe=PostgresProbe(engine),
        redis=redis,
        threads=threads,
        map_threads=map_threads,
        doorbells=doorbells,
    )
