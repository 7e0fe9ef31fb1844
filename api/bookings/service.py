"""The booking service: accepts operations and reads bookings, for both transports.

Its methods are coroutines on one event loop. The front (api/front.py) awaits them; a Flask view (routes.py) passes
its call to the loop and waits. Calls to Postgres run in threads. The service decides nothing: the lane does.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from redis.exceptions import OutOfMemoryError

from api.bookings import parse, refusals, status_body
from api.bookings.intake import Intake
from api.bookings.long_poll import LongPolls
from api.bookings.status_body import Seen
from api.bookings.waiting_places import WaitingPlaces
from api.web import metrics
from api.web.errors import Busy, NoSuchBooking, TooManyRequests
from api.web.problems import reply
from api.web.reply import Reply
from api.web.threads import Runs
from core.bookings import SETTLED, Booking, Status
from core.crash_points import point
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from core.ids import lane_of, show_of
from core.operations import Book, BookingChange, Kind, Operation, kind_of
from db.kv import admission, keys, statuses, workers_alive
from db.kv.admission import AcceptReply, Code
from db.kv.rounds import Command

#: Seconds after which a waiting request looks by itself, should the listener have missed a publication: at random
#: between these, so that thousands who began to wait together do not look together.
LOOK_AGAIN_S = (8.0, 12.0)
#: What changes of a booking make of it, as far as repeating them can find it made.
WANTED = {Kind.CONFIRM: Status.CONFIRMED, Kind.CANCEL: Status.CANCELLED, Kind.RELEASE: Status.CANCELLED}


class RedisCalls(Protocol):
    """The connection that the requests of a process share (db/kv/async_rounds.py)."""

    async def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        """Send commands together and return their replies."""


class BookingService:
    """One per api process."""

    def __init__(
        self, redis: RedisCalls, intake: Intake, long_polls: LongPolls, threads: Runs, ring: Callable[[int], object]
    ) -> None:
        """Args: threads: where intake may block.   ring: sends a lane's doorbell; must not block."""
        self.intake = intake
        self._redis = redis
        self._long_polls = long_polls
        self._threads = threads
        self._places = WaitingPlaces(intake.waiting_lists, threads)
        self._ring = ring

    @property
    def leaving(self) -> bool:
        """Whether the process is about to end."""
        return self._long_polls.leaving

    def leave(self) -> None:
        """Answer all that wait with what is known; the process is about to end.   Repeat: safe."""
        self._long_polls.end()

    def close(self) -> None:
        """End the service's thread and close what intake holds. Nothing may be asked any more."""
        self._long_polls.close()
        self.intake.close()

    # -- accepting --------------------------------------------------------------------------------------

    async def accept(self, operation: Operation, request_id: str = "") -> AcceptReply:
        """Accept an operation into its lane, or refuse it; ring the doorbell if the lane was asleep.

        Raises: NoSuchShow, NoSuchBooking, RedisUnavailable, AcceptUnknown, Busy, and PostgresUnavailable if Redis
                lacks the card or the status that is needed.
        Repeat: safe. The same operation is found again; only a repeated CHANGE_SHOW is a second entry.
        """
        if not self.intake.ready:
            await self._threads.once(self.intake.learn)
        point("request validated")
        answer = await self._send(operation, request_id)
        if answer.incomplete or answer.stale:
            answer = await self._recover(operation, request_id, answer)
        point("operation accepted", AcceptUnknown)
        if answer.ring:
            self._ring(lane_of(operation.show_id, self.intake.lanes_count))
        if answer.code is Code.ACCEPTED:
            metrics.accepted(kind_of(operation))
        point("before the 202")
        return answer

    async def book(self, user_id: UUID, key: str | None, asked: dict[str, Any], request_id: str) -> Reply:
        """Ask for seats.

        Args:    key: the Idempotency-Key as it came, None if there was none.
                 asked: as parse.booking_request returns it.
        Raises:  BadIdempotencyKey, InvalidRequest (seats that the hall does not have), NoSuchShow, RedisUnavailable,
                 Busy, and PostgresUnavailable if Redis lacks what is needed.
        Repeat:  with a key, the same booking is found again; without one it is another booking.
        """
        key = parse.idempotency_key(key)
        intake = self.intake
        hall = intake.known_hall(asked["show_id"])
        if hall is None:
            hall = await self._threads.once(intake.hall_of, asked["show_id"])
        operation = parse.operation_of(intake.booking_secret, hall, user_id, key, asked)
        try:
            answer = await self.accept(operation, request_id)
        except AcceptUnknown:
            return refusals.unknown(operation, request_id)
        if answer.code is Code.MISMATCH:
            return refusals.mismatch(request_id)
        if (answer.found and status_body.overdue(answer.status)) or (
            not answer.found and answer.forgotten and key is not None
        ):
            stored = await self._stored(operation, required=not answer.found)
            if stored is not None:
                return _repeated(operation, stored, request_id)
        if not answer.found:
            return refusals.refuse(answer, request_id, operation)
        undecided = answer.status["v"] == "0"
        place = None if undecided else (await self._places.of_fields(operation.booking_id, answer.status))[0]
        seen = status_body.of_fields(operation.booking_id, answer.status, answer.meter, place)
        return seen.reply(202 if undecided else 200, refusals.location(operation.booking_id))

    async def change(self, operation: BookingChange, request_id: str) -> Reply:
        """Change a booking: 202 while that waits, 200 if the booking already is so, 409 if it never can be.

        Raises: NoSuchBooking, TooManyRequests, RedisUnavailable, AcceptUnknown, Busy, and PostgresUnavailable if
                Redis lacks the status.   Repeat: safe, the same operation is found again.
        """
        _check_id(operation.booking_id)
        wait_s = self.intake.allowance.wait_s(operation)
        if wait_s:
            raise TooManyRequests(math.ceil(wait_s))
        answer = await self.accept(operation, request_id)
        if not answer.found:
            return refusals.refuse(answer, request_id)
        kind, status = kind_of(operation), Status(answer.status["s"])
        place, _ = await self._places.of_fields(operation.booking_id, answer.status)
        seen = status_body.of_fields(operation.booking_id, answer.status, answer.meter, place)
        if answer.code is Code.ACCEPTED or status not in SETTLED[kind]:
            return seen.reply(202, refusals.location(operation.booking_id))
        if status is WANTED.get(kind):
            return seen.reply(200)
        reason = json.loads(answer.status["b"])["reason"]
        detail = f"The booking is {status.value}, and stays so."
        return reply(
            409, "booking_final", detail, request_id=request_id, booking_status=status.value, reason=reason
        )  # fmt: skip

    # -- reading ----------------------------------------------------------------------------------------

    async def look(self, booking_id: UUID, user_id: UUID) -> Seen:
        """The status now: from Redis; from Postgres if Redis has none, or may have missed the outcome.

        Raises: NoSuchBooking (also for another person's, and for a queued one whose entry is lost: the key may be
                repeated), RedisUnavailable, PostgresUnavailable, Busy.
        """
        _check_id(booking_id)
        if not self.intake.ready:
            await self._threads.once(self.intake.learn)
        commands = statuses.read_commands(booking_id, show_of(booking_id), self.intake.lanes_count)
        fields, meter = statuses.parse(await self._redis.call(commands, writes=False))
        if fields and fields["u"] != str(user_id):
            raise NoSuchBooking
        missed = not fields or status_body.passed(fields, meter)
        place, has_left = (None, False) if missed else await self._places.of_fields(booking_id, fields)
        if not missed and not has_left and not status_body.overdue(fields):
            return status_body.of_fields(booking_id, fields, meter, place)
        try:
            booking = await self._threads.run(self.intake.recall, booking_id, user_id)
            return status_body.of_booking(booking, await self._places.of_booking(booking))
        except (PostgresUnavailable, Busy):
            if missed:
                raise
            return status_body.of_fields(booking_id, fields, meter)  # a hold past its deadline: it may still be so

    async def wait(
        self, booking_id: UUID, user_id: UUID, wait_s: float, gone: asyncio.Future[Any] | None = None
    ) -> Seen:
        """`look`; while something is undecided, look again when it is published, for up to `wait_s` seconds.

        Ends early when all slots for waiting requests are in use, when the process is leaving, or when `gone`, the
        client's disconnection, is done.
        """
        deadline, published = time.monotonic() + wait_s, asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, published.set)
        if wait_s <= 0 or not self._long_polls.take_slot(booking_id, wake):
            return await self.look(booking_id, user_id)
        if gone is not None:
            gone.add_done_callback(lambda _: published.set())
        try:
            seen = await self.look(booking_id, user_id)  # whatever is published after this look wakes us
            while seen.waits and not self._long_polls.leaving and not (gone and gone.done()):
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left_s, random.uniform(*LOOK_AGAIN_S))):
                        await published.wait()
                published.clear()
                if not (gone and gone.done()):
                    seen = await self.look(booking_id, user_id)
        finally:
            self._long_polls.free_slot(booking_id, wake)
        return seen

    async def check_redis(self) -> int:
        """Return how many workers drain the lanes of this Redis. Raises RedisUnavailable: nothing can be accepted.

        Ends the process with code 78 if the Redis has been given to another installation since.
        """
        commands = [*workers_alive.count_commands(), ("GET", keys.INSTALLATION)]
        *beats, copy = await self._redis.call(commands, writes=False)
        self.intake.check_installation(copy)
        return workers_alive.count(beats)

    # -- inside -----------------------------------------------------------------------------------------

    async def _send(self, operation: Operation, request_id: str) -> AcceptReply:
        """Call accept.lua once (docs/locking.md rule 3)."""
        try:
            [answer] = await self._redis.call([self.intake.command(operation, request_id)], writes=True)
        except OutOfMemoryError:
            return AcceptReply(Code.FULL)
        return self.intake.count(operation, admission.parse(answer))

    async def _recover(self, operation: Operation, request_id: str, refused: AcceptReply) -> AcceptReply:
        """Publish what Redis lacks from Postgres, and send the operation once more.

        A refusal by a stale card stands if Postgres cannot be asked. Raises: as `accept`.
        """
        if refused.code is Code.NO_STATUS:
            if isinstance(operation, BookingChange):
                await self._threads.run(self.intake.recall, operation.booking_id, operation.user_id)
        else:
            try:
                await self._threads.once(self.intake.publish_card, operation.show_id)
            except (PostgresUnavailable, Busy):
                if refused.stale:
                    return refused
                raise
            if refused.code is Code.NO_CARD:
                point("missing card published", RedisUnavailable)
        answer = await self._send(operation, request_id)
        # What is incomplete now exists, and Redis has no room for it. Nothing was written.
        return AcceptReply(Code.FULL) if answer.incomplete else answer

    async def _stored(self, operation: Book, *, required: bool) -> Booking | None:
        """The booking of a repeated key whose status has left Redis: a refusal must not hide its outcome.

        Raises: PostgresUnavailable and Busy, if it is `required`.
        """
        try:
            return await self._threads.run(self.intake.recall, operation.booking_id, operation.user_id)
        except NoSuchBooking:
            return None
        except (PostgresUnavailable, Busy):
            if required:
                raise
            return None


def _repeated(operation: Book, stored: Booking, request_id: str) -> Reply:
    if stored.fingerprint != operation.fingerprint:
        return refusals.mismatch(request_id)
    return status_body.of_booking(stored).reply(200, refusals.location(operation.booking_id))


def _check_id(booking_id: UUID) -> None:
    """See that an id can be one of ours. Raises: NoSuchBooking."""
    if show_of(booking_id) >= 1 << 31:
        raise NoSuchBooking
