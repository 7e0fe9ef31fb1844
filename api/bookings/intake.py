"""Intake: what an api process knows of shows, halls and limits, and how it gives Redis what Redis lacks.

A warm booking touches neither Postgres nor this module's connection: `command` is made of what is remembered. The
methods that say "blocks" ask Redis and Postgres for a show's card or plan, or a decided booking; the service
(service.py) calls them in a thread. Intake refuses early, it decides nothing.
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
from api.web.errors import NoSuchBooking, NoSuchShow
from api.web.rate_limits import Allowance
from core import logs
from core.bookings import Booking
from core.errors import WrongInstallation
from core.halls import Hall
from core.ids import lane_of
from core.operations import Book, Cancel, Confirm, Operation, StreamId
from core.settings import Settings
from db import guard, installation, recall
from db.installation import Installation
from db.kv import admission, cards, lanes, statuses
from db.kv.admission import AcceptReply, Code
from db.kv.lanes import LaneState
from db.kv.rounds import Command, Rounds
from db.postgres import bookings, shows
from db.postgres.engine import transaction

log = logs.logger(__name__)

#: Seconds for which "there is no such show" is believed: made-up ids must not become a load on Postgres.
ABSENT_S = 2.0
#: Such ids that a process remembers. A full memory is emptied.
ABSENT_SHOWS = 10_000


class Intake:
    """One per api process; its event loop and its threads share it. Connects at the first use."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self._engine = engine
        self._rounds = Rounds(settings.redis_url, questions=guard.for_redis(settings))
        self.allowance = Allowance(settings.bookings_per_user_hour)
        self._installation: Installation | None = None
        self.halls = KnownHalls(self._rounds, engine)
        self._absent: dict[int, float] = {}

    # -- accepting ----------------------------------------------------------------------------------------

    def command(self, operation: Operation, request_id: str) -> Command:
        """The call of accept.lua for an operation. Touches no store once `ready`."""
        return admission.command(operation, request_id=request_id, **self._terms(operation))

    def counted(self, operation: Operation, accepted: AcceptReply) -> AcceptReply:
        """What accept.lua said of an operation, counted as its user's."""
        if accepted.code is Code.ACCEPTED and isinstance(operation, Book | Confirm | Cancel):
            self.allowance.count(operation)
        return accepted

    def _terms(self, operation: Operation) -> dict[str, Any]:
        """What accept.lua needs besides the operation: limits, and which seats of the hall are named."""
        settings = self.settings
        terms: dict[str, Any] = {
            "lanes": self.lanes_count,
            "cap": settings.lane_cap,
            "user_cap": settings.undecided_per_user,
            "show_cap": settings.show_cap,
            "lease_ms": settings.lease_ms,
        }
        if isinstance(operation, Book) and self.allowance.wait_s(operation):
            terms["user_cap"] = -1  # a repeated key finds its booking all the same
        hall = self.halls.known(operation.show_id)
        if hall is not None and isinstance(operation, Book):
            terms["seats"] = [hall.seat_index(label) for label in operation.seats]
        return terms

    @property
    def ready(self) -> bool:
        """Whether `booking_secret` and `lanes_count` are known: then asking for them touches no store."""
        return self._installation is not None

    def learn(self) -> None:
        """Become `ready`; blocks. Raises: RedisUnavailable, PostgresUnavailable.   Repeat: nothing."""
        self._drawn()

    def known_hall(self, show_id: int) -> Hall | None:
        """The hall of a show that this process has met before, and then everything `command` needs is known too."""
        return self.halls.known(show_id) if self.ready else None

    # -- reading ----------------------------------------------------------------------------------------

    def recall(self, booking_id: UUID, user_id: UUID) -> Booking:
        """A person's decided booking from Postgres, published to Redis again; blocks.

        Raises: NoSuchBooking (also for another person's), PostgresUnavailable, RedisUnavailable.
        """
        with transaction(self._engine) as connection:
            booking = bookings.get_own(connection, booking_id, user_id)
        if booking is None:
            raise NoSuchBooking
        command = statuses.publish_command(booking, self.lanes_count, self.settings.status_ttl_s)
        with self._if_there_is_room(booking_id=str(booking_id)):
            self._rounds.call([command], writes=False)
        return booking

    def hall_of(self, show_id: int) -> Hall:
        """The hall of a show; blocks. Raises: NoSuchShow, RedisUnavailable, PostgresUnavailable."""

        def find() -> int:
            hall_id = cards.hall_id_of(self._rounds, show_id, self.lanes_count)
            return self.publish_card(show_id) if hall_id is None else hall_id

        return self.halls.of_show(show_id, find)

    def check_installation(self, copy: str | None) -> None:
        """End the process with code 78 if Redis has been given to another installation; `copy`: what it holds."""
        if copy is not None and self._installation is not None:
            try:
                self._installation.check(copy)
            except WrongInstallation as error:
                guard.end(error)

    def close(self) -> None:
        """Close the connection to Redis. The next call opens a new one."""
        self._rounds.close()

    def waits(self, show_id: int, epoch: str, id_: StreamId) -> bool:
        """Whether an operation of a show is still in its lane; blocks. Raises: RedisUnavailable."""
        return lanes.waits(self._rounds, lane_of(show_id, self.lanes_count), epoch, id_)

    def lanes(self) -> list[LaneState]:
        """The state of every lane; blocks. Raises: RedisUnavailable."""
        return lanes.overview(self._rounds.call(lanes.overview_commands(self.lanes_count), writes=False))

    # -- what was drawn at the first start --------------------------------------------------------------

    @property
    def booking_secret(self) -> bytes:
        """The key from which booking ids are derived.

        Raises, at its first use: RedisUnavailable, PostgresUnavailable.
        """
        return self._drawn().booking_secret

    @property
    def lanes_count(self) -> int:
        """How many lanes there are. Raises: RedisUnavailable, PostgresUnavailable at the first use."""
        return self._drawn().lanes

    def _drawn(self) -> Installation:
        if self._installation is None:
            found = installation.published(self._rounds)
            if found is None:
                with transaction(self._engine) as connection:
                    found = installation.get(connection)
                with self._if_there_is_room(what="installation"):
                    installation.publish(self._rounds, found)
            self._installation = found
        return self._installation

    # -- publishing what Redis lacks --------------------------------------------------------------------

    def publish_card(self, show_id: int) -> int:
        """Rebuild a show's card from Postgres; returns its hall; blocks.

        Raises: NoSuchShow, PostgresUnavailable, RedisUnavailable.
        """
        self.refuse_absent(show_id)
        with transaction(self._engine) as connection:
            row = shows.get(connection, show_id)
            if row is None:
                self.remember_absent(show_id)
                raise NoSuchShow
            card = recall.cards_of(connection, [row])[show_id]
        with self._if_there_is_room(show_id=show_id):
            cards.publish(self._rounds, show_id, card.fields, self.lanes_count, ttl_ms=card.ttl_ms)
        return row.hall_id

    @contextmanager
    def _if_there_is_room(self, **what: Any) -> Iterator[None]:
        """Publish something; at maxmemory it is only logged, for the answer is right without it."""
        try:
            yield
        except OutOfMemoryError:
            log.warning("not_published", **what)

    def refuse_absent(self, show_id: int) -> None:
        """Refuse a show that was not there a moment ago. Raises: NoSuchShow."""
        if self._absent.get(show_id, 0.0) > time.monotonic():
            raise NoSuchShow

    def remember_absent(self, show_id: int) -> None:
        """Note that there is no such show: for ABSENT_S it is refused without Postgres."""
        if len(self._absent) >= ABSENT_SHOWS:
            self._absent.clear()
        self._absent[show_id] = time.monotonic() + ABSENT_S
