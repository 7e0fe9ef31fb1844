"""The load: an open loop of mixed requests at a fixed rate, in a separate process (python -m proof.chaos.load).

Few requests of the mix are accepted. So there is also a steady stream of bookings of one show, all of which can be
accepted: it keeps one lane busy throughout.

The process reads its job as one line of JSON from standard input, and stops at a second line or the end of input. It
then prints one line: how many requests were sent, not sent because too many were in flight, and retried.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

from ops.rush.tokens import mint
from proof.chaos import record
from proof.chaos.administrator import Administrator
from proof.chaos.job import Job
from proof.chaos.own_bookings import Buyers, KnownBookings, OwnBooking, SteadyBuyers
from proof.chaos.record import (
    BOOK,
    CANCEL,
    CHANGE_SHOW,
    CONFIRM,
    EXTEND,
    FOREIGN,
    RELEASE,
    SEATS,
    SHOW,
    STATUS,
    Call,
    Record,
)
from proof.chaos.requests import change_request
from proof.kit.async_client import AsyncClient, request
from proof.kit.client import Broken, NoAnswer

#: Shares of the requests, in percent.
MIX = {
    "book": 14,
    "book_best": 9,
    "hold": 13,
    "wishes": 8,
    "waiting": 8,
    "confirm": 7,
    "cancel": 6,
    "extend": 4,
    "release": 5,
    "again": 7,
    "poll": 11,
    "wait": 2,
    "show": 2,
    "seats": 1,
    "foreign": 2,
    "other_body": 1,
}
#: Kinds that need a booking in one of these states, and what they send.
CHANGED = {
    "confirm": (CONFIRM, ("HELD",)),
    "cancel": (CANCEL, ("QUEUED", "WAITING", "HELD", "CONFIRMED")),
    "extend": (EXTEND, ("HELD",)),
    "release": (RELEASE, ("HELD", "CONFIRMED")),
}
#: The share of bookings that prefer to wait for their outcome.
PREFERRING = 0.1  # fmt: skip
#: Seconds until a client abandons a request, and that a long poll waits.
DEADLINE_S = 5.0
WAIT_S = 2
#: Most requests in flight at once; more are counted and not sent. The steady stream has its own count, so that
#: requests of the mix that hang do not stop it.
MOST_UNDER_WAY = 200
#: Users of the steady stream: enough that each has few undecided bookings even if a lane stops for long.
STEADY_USERS = 1_000
#: Seconds after which the status of a booking of the steady stream is read.
POLL_AFTER_S = 0.3


class Load:
    """All clients of one run."""

    def __init__(self, job: Job, noted: Record) -> None:
        self.record = noted
        self.sent = self.unsent = self.retried = 0
        self._job = job
        self._random = random.Random(job.seed)
        self._wire = AsyncClient(job.host, job.port)
        users = user_ids(job.users + STEADY_USERS)
        self._tokens = {user: mint(job.secret, user, ttl_s=job.token_ttl_s) for user in users}
        self._buyers = Buyers(users[: job.users], job.labels, job.premium, self._random)
        self._steady_buyers = SteadyBuyers(users[job.users :], job.steady_labels)
        self.known = KnownBookings(self._random)
        self._admin = Administrator(self._administer, random.Random(f"administrator {job.seed}"))
        self._admin_token = mint(job.secret, job.admin, "admin", ttl_s=job.token_ttl_s)
        self._begun = 0.0
        self._mixed = set[asyncio.Task[None]]()
        self._steady = set[asyncio.Task[None]]()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then wait for the requests in flight."""
        self._begun = asyncio.get_running_loop().time()
        await asyncio.gather(self._mix(stop), self._stream(stop), self._admin.run(stop, self._now))
        if in_flight := self._mixed | self._steady:
            await asyncio.wait(in_flight, timeout=3 * DEADLINE_S)
        self._wire.close()

    async def _mix(self, stop: asyncio.Event) -> None:
        due, shows = self._begun, self._job.generations
        kinds, weights = list(MIX), list(MIX.values())
        while not stop.is_set():
            await _until(due)
            kind = self._random.choices(kinds, weights)[0]
            for coroutine in self._draw(kind, shows[self._generation(due)]):
                self._start(self._mixed, coroutine)
                due += self._random.expovariate(self._job.rate)

    async def _stream(self, stop: asyncio.Event) -> None:
        due = self._begun
        while not stop.is_set():
            await _until(due)
            self._start(
                self._steady,
                self._book_and_poll(self._steady_buyers.next_booking(self._job.steady[self._generation(due)])),
            )
            due += 1 / self._job.steady_rate

    def _now(self) -> tuple[tuple[int, ...], float]:
        """Return the shows that are booked now, and which part of their time has passed."""
        now = asyncio.get_running_loop().time()
        part = (now - self._begun) / self._job.generation_s % 1
        return self._job.generations[self._generation(now)], part

    def _generation(self, due: float) -> int:
        return min(int((due - self._begun) / self._job.generation_s), len(self._job.generations) - 1)

    def _start(self, among: set[asyncio.Task[None]], coroutine: Coroutine[Any, Any, None]) -> None:
        if len(among) >= MOST_UNDER_WAY:
            self.unsent += 1
            coroutine.close()
            return
        task = asyncio.create_task(coroutine)
        among.add(task)
        task.add_done_callback(among.discard)

    def _draw(self, kind: str, shows: tuple[int, ...]) -> list[Coroutine[Any, Any, None]]:
        """Return the requests of one draw: one, or several with the same key at once.

        Kinds that need a booking in some state become a new booking if there is none.
        """
        known = self.known
        if kind in ("show", "seats"):
            return [self._read(kind, self._random.choice(shows))]
        if kind in CHANGED and (booking := known.pick(*CHANGED[kind][1])):
            return [self._change(CHANGED[kind][0], booking)]
        wait_s = WAIT_S if self._random.random() < PREFERRING else 0
        states = ("UNKNOWN", "QUEUED", "WAITING", "HELD", "CONFIRMED", "FAILED")
        if kind == "again" and (booking := known.pick(*states)):
            return [self._book(booking, wait_s) for _ in range(self._random.choice((1, 1, 2, 3, 5)))]
        if kind == "other_body" and (booking := known.pick("CONFIRMED", "FAILED")):
            return [self._other_body(booking)]
        if kind in ("poll", "wait") and (
            booking := known.pick("QUEUED", "WAITING") or known.pick("ASKED", "CONFIRMED")
        ):
            return [self._poll(booking, WAIT_S if kind == "wait" else 0)]
        if kind == "foreign" and (booking := known.pick("QUEUED", "HELD", "CONFIRMED")):
            return [self._read_as_another(booking)]
        hold = kind == "hold" or (kind != "book" and self._random.random() < 0.2)
        booking = self._buyers.next_booking(self._random.choice(shows), kind=kind, hold=hold)
        known.put(booking, "UNKNOWN")
        copies = 2 if self._random.random() < 0.05 else 1
        return [self._book(booking, wait_s) for _ in range(copies)]

    # -- requests ---------------------------------------------------------------------------------------

    async def _book_and_poll(self, booking: OwnBooking) -> None:
        """Book a seat, and read the status once."""
        await self._book(booking)
        if booking.id:
            await asyncio.sleep(POLL_AFTER_S)
            await self._poll(booking, 0)

    async def _book(self, booking: OwnBooking, wait_s: int = 0) -> None:
        body = {"show_id": booking.show, **booking.asked}
        token = self._tokens[booking.user]
        raw = request("POST", "/api/bookings", token=token, key=booking.key, body=body, wait_s=wait_s)
        call = await self._send(BOOK, raw, booking, DEADLINE_S + wait_s, key=booking.key, asked=booking.asked)
        if call.accepted:
            booking.id = call.said["id"] or booking.id
            self.known.see(booking, call.said)
        elif call.code in (404, 409, 422):
            self.known.forget(booking)

    async def _other_body(self, booking: OwnBooking) -> None:
        asked = {"quantity": 1 + booking.asked.get("quantity", 0)}
        body = {"show_id": booking.show, **asked}
        raw = request("POST", "/api/bookings", token=self._tokens[booking.user], key=booking.key, body=body)
        await self._send(BOOK, raw, booking, DEADLINE_S, key=booking.key, asked=asked)

    async def _change(self, kind: str, booking: OwnBooking) -> None:
        asked = {"seats": self._buyers.to_release(booking)} if kind == RELEASE else {}
        raw = change_request(kind, booking.id, self._tokens[booking.user], asked)
        call = await self._send(kind, raw, booking, DEADLINE_S, asked=asked)
        if call.accepted:
            self.known.see(booking, call.said)

    async def _poll(self, booking: OwnBooking, wait_s: int) -> None:
        query = f"?wait={wait_s}" if wait_s else ""
        raw = request("GET", f"/api/bookings/{booking.id}{query}", token=self._tokens[booking.user])
        call = await self._send(STATUS, raw, booking, DEADLINE_S + wait_s)
        if call.code == 200:
            self.known.see(booking, call.said)
        elif call.code == 404:
            self.known.put(booking, "UNKNOWN")

    async def _read_as_another(self, booking: OwnBooking) -> None:
        """Have another user request this booking."""
        other = self._buyers.other_than(booking.user)
        raw = request("GET", f"/api/bookings/{booking.id}", token=self._tokens[other])
        call = self.record.sent(FOREIGN, user=other, show=booking.show, booking=booking.id)
        await self._exchange(call, raw, DEADLINE_S)

    async def _administer(self, method: str, path: str, body: dict[str, Any] | None, show: int, changes: Any) -> Call:
        """Send an administrator's change of a show; `changes`: of its operation."""
        call = self.record.sent(CHANGE_SHOW, user=self._job.admin, show=show, asked=changes)
        return await self._exchange(call, request(method, path, token=self._admin_token, body=body), DEADLINE_S)

    async def _read(self, kind: str, show: int) -> None:
        path = f"/api/shows/{show}" if kind == "show" else f"/api/shows/{show}/seats"
        call = self.record.sent(SHOW if kind == "show" else SEATS, show=show)
        await self._exchange(call, request("GET", path), DEADLINE_S)

    async def _send(
        self, kind: str, raw: bytes, booking: OwnBooking, deadline_s: float, *, key: str = "",
        asked: dict[str, Any] | None = None,
    ) -> Call:  # fmt: skip
        call = self.record.sent(kind, user=booking.user, show=booking.show, key=key, asked=asked, booking=booking.id)
        return await self._exchange(call, raw, deadline_s)

    async def _exchange(self, call: Call, raw: bytes, deadline_s: float) -> Call:
        """Send a request, retry it once if the connection broke before an answer, and record the result."""
        self.sent += 1
        code, body = 0, dict[str, Any]()
        for last in (False, True):
            try:
                code, body = await self._wire.once(raw, deadline_s)
                break
            except NoAnswer as error:
                body = {"code": error.code}
                break
            except Broken as error:
                body = {"code": error.code}
                if not last:
                    self.retried, call.tries = self.retried + 1, 2
        self.record.answered(call, code, body)
        return call


async def _until(due: float) -> None:
    """Wait until a time of the loop's clock; return immediately if it has passed."""
    if (wait_s := due - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(wait_s)


def user_ids(count: int) -> list[str]:
    """Return the ids of a run's users. No other user has such an id."""
    return [str(UUID(int=number + 1 + (8 << 76) + (2 << 62))) for number in range(count)]


async def _main() -> None:
    job, stop = Job.read(sys.stdin.readline()), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    with record.Record(Path(job.path)) as noted:
        load = Load(job, noted)
        await load.run(stop)
    print(json.dumps({"sent": load.sent, "unsent": load.unsent, "retried": load.retried}))


if __name__ == "__main__":
    asyncio.run(_main())
