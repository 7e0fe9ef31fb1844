"""Intake: what an api process remembers of shows, halls and limits, and the publication of what Redis lacks.

A booking of a remembered show uses neither Postgres nor this module's connection: `command` needs only what is
remembered. Methods marked "blocks" call Redis and Postgres, for example for a show's card or plan or for a decided
booking; the service (service.py) calls them in a thread. Intake refuses early, but decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from redis.exceptions import OutOfMemoryError
from sqlalchemy import Engine

from api.bookings.known_halls import KnownHalls
from api.bookings.waiting_places import WaitingLists
from api.web.errors import NoSuchBooking, NoSuchShow
from api.web.rate_limits import Allowance, Charged
from core import logs
from core.bookings import Booking
from core.errors import WrongInstallation
from core.halls import Hall
from core.ids import lane_of
from core.operations import Book, Operation, StreamId
from core.settings import Settings
from db import guard, installation, rebuilt_cards
from db.installation import Installation
from db.kv import admission, cards, keys, lanes, statuses
from db.kv.admission import AcceptReply, Code
from db.kv.lanes import LaneState
from db.kv.rounds import Command, Rounds
from db.postgres import bookings, shows
from db.postgres.engine import transaction

log = logs.logger(__name__)

#: Seconds for which the absence of a show is remembered: made-up ids must not load Postgres.
ABSENT_S = 2.0
#: Max absent shows that a process remembers; at this number, all are forgotten.
ABSENT_SHOWS = 10_000


class Intake:
    """The intake of one api process, shared by its event loop and its threads. Connects at the first use."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self._engine = engine
        self._rounds = Rounds(settings.redis_url, questions=guard.for_redis(settings))
        self.allowance = Allowance(settings.bookings_per_user_hour)
        self._installation: Installation | None = None
        self.halls = KnownHalls(self._rounds, engine)
        self.waiting_lists = WaitingLists(engine)
        self._absent: dict[int, float] = {}

    # -- accepting ----------------------------------------------------------------------------------------

    def command(self, operation: Operation, request_id: str) -> Command:
        """Return the call of accept.lua for an operation. Touches no store once `ready`."""
        return admission.command(operation, request_id=request_id, **self._arguments(operation))

    def count(self, operation: Operation, accepted: AcceptReply) -> AcceptReply:
        """Count the operation against its user's allowance if accept.lua accepted it; return accept.lua's reply."""
        if accepted.code is Code.ACCEPTED and isinstance(operation, Charged):
            self.allowance.count(operation)
        return accepted

    def _arguments(self, operation: Operation) -> dict[str, Any]:
        """Return accept.lua's other arguments: limits, and the indexes in the hall of the seats that a Book names."""
        settings = self.settings
        arguments: dict[str, Any] = {
            "lanes": self.lanes_count,
            "cap": settings.lane_cap,
            "user_cap": settings.undecided_per_user,
            "show_cap": settings.show_cap,
            "lease_ms": settings.lease_ms,
        }
        if isinstance(operation, Book) and self.allowance.wait_s(operation):
            arguments["user_cap"] = -1  # refuses new bookings; a repeated key still finds its booking
        hall = self.halls.known(operation.show_id)
        if hall is not None and isinstance(operation, Book):
            arguments["seats"] = [hall.seat_index(label) for label in operation.needed]
        return arguments

    @property
    def ready(self) -> bool:
        """Return whether `booking_secret` and `lanes_count` are known, so that reading them touches no store."""
        return self._installation is not None

    def learn(self) -> None:
        """Make this intake `ready`; blocks. Raises: RedisUnavailable, PostgresUnavailable.   Repeat: does nothing."""
        self._load_installation()

    def known_hall(self, show_id: int) -> Hall | None:
        """Return a show's hall if it and everything else that `command` needs is remembered, else None."""
        return self.halls.known(show_id) if self.ready else None

    # -- reading ----------------------------------------------------------------------------------------

    def recall(self, booking_id: UUID, user_id: UUID) -> Booking:
        """Read a user's decided booking from Postgres, publish it to Redis again, and return it; blocks.

        Raises: NoSuchBooking (also if it is another user's), PostgresUnavailable, RedisUnavailable.
        """
        with transaction(self._engine) as connection:
            booking = bookings.get_own(connection, booking_id, user_id)
        if booking is None:
            raise NoSuchBooking
        command = statuses.publish_command(booking, self.lanes_count, self.settings.status_ttl_s)
        with self._ignore_full_memory(booking_id=str(booking_id)):
            self._rounds.call([command], writes=False)
        return booking

    def hall_of(self, show_id: int) -> Hall:
        """Return the hall of a show; blocks. Raises: NoSuchShow, RedisUnavailable, PostgresUnavailable."""

        def find() -> int:
            hall_id = cards.hall_id_of(self._rounds, show_id, self.lanes_count)
            return self.publish_card(show_id) if hall_id is None else hall_id

        return self.halls.of_show(show_id, find)

    def check_installation(self, copy: str | None) -> None:
        """End the process with code 78 if Redis's copy of its installation is another's. None: no check."""
        if copy is not None and self._installation is not None:
            try:
                self._installation.check(copy)
            except WrongInstallation as error:
                guard.end(error)

    def close(self) -> None:
        """Close the connection to Redis. The next call opens a new one."""
        self._rounds.close()

    def waits(self, show_id: int, epoch: str, id_: StreamId) -> bool:
        """Return whether an operation of a show is still in its lane; blocks. Raises: RedisUnavailable."""
        return lanes.waits(self._rounds, lane_of(show_id, self.lanes_count), epoch, id_)

    def lanes(self) -> list[LaneState]:
        """Return the state of every lane; blocks. Raises: RedisUnavailable."""
        return lanes.overview(self._rounds.call(lanes.overview_commands(self.lanes_count), writes=False))

    # -- the installation -------------------------------------------------------------------------------

    @property
    def booking_secret(self) -> bytes:
        """Return the key from which booking ids are derived.

        Raises, at its first use: RedisUnavailable, PostgresUnavailable.
        """
        return self._load_installation().booking_secret

    @property
    def lanes_count(self) -> int:
        """Return the number of lanes. Raises, at its first use: RedisUnavailable, PostgresUnavailable."""
        return self._load_installation().lanes

    def _load_installation(self) -> Installation:
        if self._installation is None:
            found = installation.published(self._rounds)
            if found is None:
                with transaction(self._engine) as connection:
                    found = installation.get(connection)
                with self._ignore_full_memory(what="installation"):
                    installation.publish(self._rounds, found)
            self._installation = found
        return self._installation

    # -- publishing what Redis lacks --------------------------------------------------------------------

    def publish_card(self, show_id: int) -> int:
        """Rebuild a show's card from Postgres and publish it; return the id of its hall; blocks.

        Raises: NoSuchShow, PostgresUnavailable, RedisUnavailable.
        """
        self.refuse_absent(show_id)
        with transaction(self._engine) as connection:
            row = shows.get(connection, show_id)
            if row is None:
                self.remember_absent(show_id)
                raise NoSuchShow
            card = rebuilt_cards.cards_of(connection, [row])[show_id]
        with self._ignore_full_memory(show_id=show_id):
            cards.publish(self._rounds, show_id, card.fields, self.lanes_count, ttl_ms=card.ttl_ms)
        return row.hall_id

    def forget_show(self, show_id: int) -> None:
        """Remove what Redis has of a show that was deleted; blocks.   Repeat: safe.

        Raises: RedisUnavailable. The other processes find no card, and then no show.
        """
        lane = lane_of(show_id, self.lanes_count)
        names = [key(lane, show_id) for key in (keys.card, keys.taken, keys.undecided)]
        self._rounds.call([("DEL", *names)], writes=False)  # safe to repeat
        self.halls.forget(show_id)
        self.remember_absent(show_id)

    def forget_plan(self, hall_id: int) -> None:
        """Remove the plan of a hall that was deleted from Redis; blocks. Raises: RedisUnavailable.   Repeat: safe."""
        self._rounds.call([("DEL", keys.hall(hall_id))], writes=False)

    @contextmanager
    def _ignore_full_memory(self, **what: Any) -> Iterator[None]:
        """Log and ignore OutOfMemoryError from a publication: the answer is right without it."""
        try:
            yield
        except OutOfMemoryError:
            log.warning("not_published", **what)

    def refuse_absent(self, show_id: int) -> None:
        """Raise NoSuchShow if the show was absent less than ABSENT_S ago."""
        if self._absent.get(show_id, 0.0) > time.monotonic():
            raise NoSuchShow

    def remember_absent(self, show_id: int) -> None:
        """Remember that there is no such show: for ABSENT_S it is refused without a query to Postgres."""
        if len(self._absent) >= ABSENT_SHOWS:
            self._absent.clear()
        self._absent[show_id] = time.monotonic() + ABSENT_S
