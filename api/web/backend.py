"""The backend of an api process, which its views use: settings, Postgres, and the services on its event loop.

It is stored in the application (`app.extensions["onsale"]`), so that tests can run several applications at once.
api/assembly.py builds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app
from sqlalchemy import Engine

from api.web.postgres_probe import PostgresProbe
from api.web.streams import Streams
from api.web.threads import Threads
from core.settings import Settings
from db.kv.async_rounds import AsyncRounds

if TYPE_CHECKING:  # rooms above this one, which import it
    from api.bookings.booking_events import BookingEvents
    from api.bookings.doorbells import Doorbells
    from api.bookings.service import BookingService
    from api.catalogue.followed_shows import FollowedShows
    from api.catalogue.layouts import LayoutService
    from api.catalogue.seat_maps import SeatMapService
    from api.catalogue.seat_states import SeatStateService
    from api.catalogue.show_events import ShowEvents
    from api.server.event_loop import EventLoop


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts of an api process. `service` accepts operations and reads statuses; it runs on `loop`."""

    settings: Settings
    engine: Engine
    loop: EventLoop
    service: BookingService
    seat_maps: SeatMapService
    seat_states: SeatStateService
    layouts: LayoutService
    followed: FollowedShows
    streams: Streams
    show_events: ShowEvents
    booking_events: BookingEvents
    probe: PostgresProbe
    redis: AsyncRounds
    threads: Threads
    map_threads: Threads
    doorbells: Doorbells

    def close(self) -> None:
        """Close all connections and end all threads. Nothing may be called afterwards."""
        self.probe.close()
        self.threads.close()
        self.map_threads.close()
        self.doorbells.close()
        if self.loop.own:  # else the front has closed them, and its loop has ended
            self.loop.run(self.close_on_loop())
        self.loop.close()
        self.service.close()
        self.engine.dispose()

    async def close_on_loop(self) -> None:
        """Close the connections that the event loop uses."""
        self.streams.stop()
        await self.followed.close()
        await self.redis.close()


def backend() -> Backend:
    """Return the backend of the application that serves the current request."""
    return cast(Backend, current_app.extensions["onsale"])
