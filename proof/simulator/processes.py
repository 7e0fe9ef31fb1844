"""The processes of a schedule, and what its clients do. Each piece of work is a Job."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from api.bookings.intake import Intake
from api.bookings.known_halls import KnownHalls
from api.bookings.long_poll import LongPolls
from api.bookings.service import BookingService
from api.web.errors import NoSuchBooking
from core import ids
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.operations import RULES, Book, BookingChange, Cancel, ChangeShow, Confirm, Extend, Release
from core.wishes import Wish
from proof.simulator.fixture import PRICES, Fixture
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
    """Three users who book the same few seats, change their bookings, and repeat requests; prices change."""

    def __init__(self, rng: Random, shows: list[int], labels: list[str], oracle: Oracle) -> None:
        self._rng, self._shows, self._labels, self._oracle = rng, shows, labels, oracle
        self._keys = itertools.count(1)

    def action(self, service: BookingService) -> tuple[str, Callable[[], None]]:
        """Return a client's next action at this api: its name, and the work."""
        rng, asked = self._rng, list(self._oracle.asked.values())
        dice = rng.random()
        if not asked or dice < 0.42:
            new = self._new()
            return "book", lambda: self.book(service, new)
        chosen = rng.choice(asked)
        if dice < 0.52:
            return "book again", lambda: self.book(service, chosen)
        if dice < 0.9:
            change = self._drawn_change(chosen)
            return type(change).__name__.lower(), lambda: self._change(service, chosen, change)
        if dice < 0.94:
            priced = ChangeShow(show_id=rng.choice(self._shows), changes={"prices": rng.choice(PRICES)})
            return "change prices", lambda: self._administer(service, priced)
        return "poll", lambda: self._poll(service, chosen)

    def _drawn_change(self, asked: Asked) -> BookingChange:
        rng, operation = self._rng, asked.operation
        of: dict[str, Any] = {
            "booking_id": operation.booking_id,
            "show_id": operation.show_id,
            "user_id": operation.user_id,
        }
        kind = rng.choices((Confirm, Cancel, Extend, Release), (12, 10, 7, 9))[0]
        if kind is not Release:
            return kind(**of)
        return Release(**of, seats=(rng.choice(operation.named or self._labels),))

    def _new(self) -> Asked:
        rng = self._rng
        user, show_id = rng.choice(USERS), rng.choice(self._shows)
        named = rng.random() < 0.7
        seats = self._few() if named else ()
        wishes = tuple(self._wish() for _ in range(rng.choice((1, 2)))) if rng.random() < 0.25 else ()
        expected = self._expected(seats) if seats and not wishes else None
        operation = Book(
            booking_id=ids.booking_id(SECRET, show_id, user, f"key {next(self._keys)}"),
            show_id=show_id,
            user_id=user,
            fingerprint=" ".join(seats) or "best",
            seats=() if wishes else seats,
            quantity=0 if named or wishes else rng.choice((1, 2)),
            wishes=wishes,
            expected_amount_cents=expected,
            rules=RULES,
            hold=rng.random() < 0.6,
            waiting=rng.random() < 0.4,
        )
        asked = self._oracle.asked[operation.booking_id] = Asked(operation)
        return asked

    def _few(self) -> tuple[str, ...]:
        rng = self._rng
        return tuple(sorted(rng.sample(self._labels[:4], rng.choice((1, 1, 2)))))

    def _wish(self) -> Wish:
        rng = self._rng
        seats = self._few() if rng.random() < 0.6 else ()
        together = not seats and rng.random() < 0.5
        return Wish(
            seats=seats,
            quantity=0 if seats else rng.choice((1, 2)),
            together=together,
            expected_amount_cents=self._expected(seats) if seats else None,
        )

    def _expected(self, seats: tuple[str, ...]) -> int | None:
        """Return what these seats cost, or have cost; usually None."""
        rng = self._rng
        return len(seats) * rng.choice(PRICES)["standard"] if rng.random() < 0.3 else None

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

    def _change(self, service: BookingService, asked: Asked, change: BookingChange) -> None:
        asked.cancelled |= isinstance(change, Cancel)
        if isinstance(change, Release):
            asked.named |= set(change.seats)
        self._administer(service, change)

    def _administer(self, service: BookingService, operation: BookingChange | ChangeShow) -> None:
        try:
            answer = driven(service.accept(operation))
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
