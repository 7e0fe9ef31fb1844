"""The processes of a schedule, and what its clients do. Each piece of work is a Job."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from uuid import UUID

from api.bookings.intake import Intake
from api.bookings.known_halls import KnownHalls
from api.bookings.long_poll import LongPolls
from api.bookings.service import BookingService
from api.web.errors import NoSuchBooking
from core import ids
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.operations import RULES, Book, BookingChange, Cancel, Confirm, Extend, Release
from core.wishes import Wish
from proof.simulator.fixture import Fixture
from proof.simulator.jobs import Job
from proof.simulator.oracle import Asked, Oracle
from proof.simulator.seams import SeamService, driven
from workers.stores import Stores

SECRET = b"s" * 32
USERS = tuple(UUID(int=number) for number in (1, 2, 3))
#: The errors of an unavailable store that a client may get, and may repeat its request after.
TROUBLE = (AcceptUnknown, PostgresUnavailable, RedisUnavailable)


class Process:
    """An api, a worker or the expirer. After a crash its memory is empty; its connections are kept, for speed."""

    def __init__(self, fixture: Fixture, name: str, number: int, ring: Callable[[int], object]) -> None:
        self.name = name
        self.jobs: dict[str, Job] = {}
        self._fixture, self._number, self._ring = fixture, number, ring
        self.restart()

    def restart(self) -> None:
        """Start with an empty memory."""
        fixture, number = self._fixture, self._number
        engine, rounds = fixture.seam_engines[number], fixture.seam_rounds[number]
        client = fixture.seam_clients[number % 2]
        self.jobs = {}
        self.stores = Stores(fixture.settings, engine, client, rounds, _installation=fixture.installation)
        intake = Intake(fixture.settings, engine)
        intake._rounds = rounds
        intake.halls = KnownHalls(rounds, engine)
        seam, nobody_waits = SeamService(rounds), LongPolls(fixture.settings.redis_url, 0)
        self.service = BookingService(seam, intake, nobody_waits, seam, self._ring)

    def begin(self, what: str, work: Callable[[], object]) -> None:
        """Start a job; at most one of each kind runs at a time."""
        self.jobs[what] = Job(f"{self.name} {what}", work)


class Clients:
    """Three users who book the same few seats, cancel, and repeat requests."""

    def __init__(self, rng: Random, shows: list[int], labels: list[str], oracle: Oracle) -> None:
        self._rng, self._shows, self._labels, self._oracle = rng, shows, labels, oracle
        self._keys = itertools.count(1)

    def action(self, service: BookingService) -> tuple[str, Callable[[], None]]:
        """Return a client's next action at this api: its name, and the work."""
        rng, asked = self._rng, list(self._oracle.asked.values())
        dice = rng.random()
        if not asked or dice < 0.45:
            new = self._new()
            return "book", lambda: self.book(service, new)
        chosen = rng.choice(asked)
        if dice < 0.6:
            return "book again", lambda: self.book(service, chosen)
        if dice < 0.75:
            kind = Confirm if rng.random() < 0.7 else Extend
            return "confirm", lambda: self._change(service, chosen, kind)
        if dice < 0.87:
            seats = self._some_seats(chosen) if rng.random() < 0.5 else ()
            return "cancel", lambda: self._change(service, chosen, Cancel, seats)
        return "poll", lambda: self._poll(service, chosen)

    def _new(self) -> Asked:
        rng = self._rng
        user, show_id = rng.choice(USERS), rng.choice(self._shows)
        named = rng.random() < 0.7
        seats = tuple(sorted(rng.sample(self._labels[:4], rng.choice((1, 1, 2))))) if named else ()
        operation = Book(
            booking_id=ids.booking_id(SECRET, show_id, user, f"key {next(self._keys)}"),
            show_id=show_id,
            user_id=user,
            fingerprint=" ".join(seats) or "best",
            seats=seats,
            quantity=0 if named else rng.choice((1, 2)),
            hold=rng.random() < 0.6,
            waiting=rng.random() < 0.4,
            rules=RULES,
            expected_amount_cents=rng.choice((None, None, None, 0)),
        )
        if rng.random() < 0.2:
            wishes = (*operation.ranked, Wish(quantity=1, together=rng.random() < 0.5))
            operation = replace(operation, seats=(), quantity=0, expected_amount_cents=None, wishes=wishes)
        asked = self._oracle.asked[operation.booking_id] = Asked(operation)
        return asked

    def book(self, service: BookingService, asked: Asked) -> None:
        """POST /api/bookings with its key; after a refusal, look for an outcome that Redis may have forgotten."""
        operation, since = asked.operation, len(asked.seen)
        try:
            # As BookingService.book does, so that accept.lua may refuse taken seats.
            service.intake.hall_of(operation.show_id)
            answer = driven(service.accept(operation))
            if answer.code in ("ACCEPTED", "SAME"):
                asked.accepted = True
                self._oracle.saw(operation.booking_id, int(answer.status["v"]), answer.status["s"], since)
            elif answer.forgotten and self._recall(service, asked, since):
                pass  # refused, but it was decided before
            elif answer.code == "MISMATCH":
                self._oracle.violations.append(f"I4 booking {operation.booking_id}: its own key does not match it")
            elif answer.code == "SEAT_TAKEN" and not asked.accepted:
                self._oracle.refused += 1
            elif self._oracle.wiped:
                asked.accepted = False  # lost by the wipe, and now refused, which is its outcome
            elif asked.accepted:
                self._oracle.violations.append(f"I4 booking {operation.booking_id}: accepted, now {answer.code}")
        except TROUBLE:
            pass

    def _some_seats(self, asked: Asked) -> tuple[str, ...]:
        """Return seats to release: of those that the request names, if it names any."""
        named = asked.operation.named or tuple(self._labels)
        return tuple(self._rng.sample(named, 1))

    def _change(
        self,
        service: BookingService,
        asked: Asked,
        kind: type[Confirm | Cancel | Extend],
        seats: tuple[str, ...] = (),
    ) -> None:
        """Change a booking; a Cancel of some seats only is a Release."""
        operation = asked.operation
        asked.cancelled |= kind is Cancel and not seats
        asked.released |= set(seats)
        try:
            change: BookingChange = kind(
                booking_id=operation.booking_id, show_id=operation.show_id, user_id=operation.user_id
            )
            if seats:
                change = Release(
                    booking_id=operation.booking_id,
                    show_id=operation.show_id,
                    user_id=operation.user_id,
                    seats=seats,
                )
            answer = driven(service.accept(change))
            if answer.code == "ACCEPTED":
                self._oracle.accepted(operation.show_id, answer.meter.epoch, answer.entry_id)
        except (*TROUBLE, NoSuchBooking):
            pass

    def _poll(self, service: BookingService, asked: Asked) -> None:
        """GET /api/bookings/<id>."""
        operation, since = asked.operation, len(asked.seen)
        try:
            body = json.loads(driven(service.look(operation.booking_id, operation.user_id)).body)
            self._oracle.saw(operation.booking_id, body["version"], body["status"], since)
        except (*TROUBLE, NoSuchBooking):
            pass

    def _recall(self, service: BookingService, asked: Asked, since: int) -> bool:
        try:
            booking = service.intake.recall(asked.operation.booking_id, asked.operation.user_id)
        except NoSuchBooking:
            return False
        self._oracle.saw(booking.id, booking.version, booking.status.value, since)
        return True
