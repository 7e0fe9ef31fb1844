"""The load: an open loop of mixed requests at a fixed rate, in a process of its own (python -m proof.chaos.crowd).

Beside the mix, of which few are accepted, there is a steady stream of bookings of one show that all are: a lane under
load, whatever else goes on.

It is told what to do by one line of JSON on standard input, ends when a second line (or the end) comes, and
answers with one line: how many were sent, and how many were not because too many were under way.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ops.rush.tokens import mint
from proof.chaos import record
from proof.chaos.mine import Buyers, Mine, Regulars, Stock
from proof.chaos.record import BOOK, CANCEL, CONFIRM, FOREIGN, SEATS, SHOW, STATUS, Call, Record
from proof.chaos.wire import Broken, NoAnswer, Wire, request

#: Shares of the requests, in percent.
MIX = {
    "book": 20, "book_best": 14, "hold": 14, "confirm": 8, "cancel": 8, "again": 8, "look": 18, "wait": 3,
    "show": 2, "seats": 2, "foreign": 2, "other_body": 1,
}  # fmt: skip
#: Seconds until a client gives up.
DEADLINE_S = 5.0
WAIT_S = 2
#: No more requests than this are under way at once; what would be more is counted and not sent. The steady stream
#: is counted by itself: requests that hang must not keep it from showing that others are answered.
MOST_UNDER_WAY = 200
#: Users of the steady stream. Each has few undecided bookings, however long a lane stands still.
STEADY_USERS = 1_000
#: Seconds after which a booking of the steady stream is looked at.
LOOK_AFTER_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one crowd does. `generations`: the shows that are booked, one group after the other.

    `steady`: the show of each generation that the steady stream books, `steady_labels` its seats.
    """

    host: str
    port: int
    secret: str
    seed: int
    rate: float
    users: int
    generations: tuple[tuple[int, ...], ...]
    generation_s: float
    labels: tuple[str, ...]
    steady_rate: float
    steady: tuple[int, ...]
    steady_labels: tuple[str, ...]
    token_ttl_s: int
    path: str

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


class Crowd:
    """Everybody who books during one run."""

    def __init__(self, job: Job, noted: Record) -> None:
        self.record = noted
        self.sent = self.unsent = self.retried = 0
        self._job = job
        self._random = random.Random(job.seed)
        self._wire = Wire(job.host, job.port)
        users = user_ids(job.users + STEADY_USERS)
        self._tokens = {user: mint(job.secret, user, ttl_s=job.token_ttl_s) for user in users}
        self._buyers = Buyers(users[: job.users], job.labels, self._random)
        self._regulars = Regulars(users[job.users :], job.steady_labels)
        self.stock = Stock(self._random)
        self._begun = 0.0
        self._mixed = set[asyncio.Task[None]]()
        self._steady = set[asyncio.Task[None]]()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`, then wait for what is under way."""
        self._begun = asyncio.get_running_loop().time()
        await asyncio.gather(self._mix(stop), self._stream(stop))
        if under_way := self._mixed | self._steady:
            await asyncio.wait(under_way, timeout=3 * DEADLINE_S)
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
            self._start(self._steady, self._come(self._regulars.wish(self._job.steady[self._generation(due)])))
            due += 1 / self._job.steady_rate

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
        """The requests of one draw: one, or several of the same key at once. A kind without a subject books."""
        stock = self.stock
        if kind in ("show", "seats"):
            return [self._read(kind, self._random.choice(shows))]
        if kind == "confirm" and (mine := stock.pick("HELD")):
            return [self._change(CONFIRM, mine)]
        if kind == "cancel" and (mine := stock.pick("QUEUED", "HELD", "CONFIRMED")):
            return [self._change(CANCEL, mine)]
        if kind == "again" and (mine := stock.pick("UNKNOWN", "QUEUED", "HELD", "CONFIRMED", "FAILED")):
            return [self._book(mine) for _ in range(self._random.choice((1, 1, 2, 3, 5)))]
        if kind == "other_body" and (mine := stock.pick("CONFIRMED", "FAILED")):
            return [self._other_body(mine)]
        if kind in ("look", "wait") and (mine := stock.pick("QUEUED") or stock.pick("ASKED", "CONFIRMED")):
            return [self._look(mine, WAIT_S if kind == "wait" else 0)]
        if kind == "foreign" and (mine := stock.pick("QUEUED", "HELD", "CONFIRMED")):
            return [self._spy(mine)]
        hold = kind == "hold" or (kind != "book" and self._random.random() < 0.2)
        mine = self._buyers.wish(self._random.choice(shows), best=kind == "book_best", hold=hold)
        stock.put(mine, "UNKNOWN")
        copies = 2 if self._random.random() < 0.05 else 1
        return [self._book(mine) for _ in range(copies)]

    # -- requests ---------------------------------------------------------------------------------------

    async def _come(self, mine: Mine) -> None:
        """Book, and look once what has become of it."""
        await self._book(mine)
        if mine.id:
            await asyncio.sleep(LOOK_AFTER_S)
            await self._look(mine, 0)

    async def _book(self, mine: Mine) -> None:
        body = {"show_id": mine.show, **mine.asked}
        raw = request("POST", "/api/bookings", token=self._tokens[mine.user], key=mine.key, body=body)
        call = await self._send(BOOK, raw, mine, DEADLINE_S, key=mine.key, asked=mine.asked)
        if call.accepted:
            mine.id = call.said["id"] or mine.id
            self.stock.see(mine, call.said)
        elif call.code in (404, 409, 422):
            self.stock.forget(mine)

    async def _other_body(self, mine: Mine) -> None:
        asked = {"quantity": 1 + mine.asked.get("quantity", 0)}
        body = {"show_id": mine.show, **asked}
        raw = request("POST", "/api/bookings", token=self._tokens[mine.user], key=mine.key, body=body)
        await self._send(BOOK, raw, mine, DEADLINE_S, key=mine.key, asked=asked)

    async def _change(self, kind: str, mine: Mine) -> None:
        method, tail = ("PATCH", "/confirm") if kind == CONFIRM else ("DELETE", "")
        raw = request(method, f"/api/bookings/{mine.id}{tail}", token=self._tokens[mine.user])
        call = await self._send(kind, raw, mine, DEADLINE_S)
        if call.accepted:
            self.stock.see(mine, call.said)

    async def _look(self, mine: Mine, wait_s: int) -> None:
        query = f"?wait={wait_s}" if wait_s else ""
        raw = request("GET", f"/api/bookings/{mine.id}{query}", token=self._tokens[mine.user])
        call = await self._send(STATUS, raw, mine, DEADLINE_S + wait_s)
        if call.code == 200:
            self.stock.see(mine, call.said)
        elif call.code == 404:
            self.stock.put(mine, "UNKNOWN")

    async def _spy(self, mine: Mine) -> None:
        """Somebody else asks for this booking."""
        spy = self._buyers.other_than(mine.user)
        raw = request("GET", f"/api/bookings/{mine.id}", token=self._tokens[spy])
        call = self.record.sent(FOREIGN, user=spy, show=mine.show, booking=mine.id)
        await self._exchange(call, raw, DEADLINE_S)

    async def _read(self, kind: str, show: int) -> None:
        path = f"/api/shows/{show}" if kind == "show" else f"/api/shows/{show}/seats"
        call = self.record.sent(SHOW if kind == "show" else SEATS, show=show)
        await self._exchange(call, request("GET", path), DEADLINE_S)

    async def _send(
        self, kind: str, raw: bytes, mine: Mine, deadline_s: float, *, key: str = "",
        asked: dict[str, Any] | None = None,
    ) -> Call:  # fmt: skip
        call = self.record.sent(kind, user=mine.user, show=mine.show, key=key, asked=asked, booking=mine.id)
        return await self._exchange(call, raw, deadline_s)

    async def _exchange(self, call: Call, raw: bytes, deadline_s: float) -> Call:
        """Send it, once more if the connection broke before an answer, and note what came."""
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
    """Wait until the loop's clock says so; what is late already goes on at once."""
    if (wait_s := due - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(wait_s)


def user_ids(count: int) -> list[str]:
    """The ids of a run's users. Nobody else has such."""
    return [str(UUID(int=number + 1 + (8 << 76) + (2 << 62))) for number in range(count)]


async def _main() -> None:
    values = json.loads(sys.stdin.readline())
    values["generations"] = tuple(map(tuple, values["generations"]))
    for name in ("labels", "steady", "steady_labels"):
        values[name] = tuple(values[name])
    job, stop = Job(**values), asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    with record.Record(Path(job.path)) as noted:
        crowd = Crowd(job, noted)
        await crowd.run(stop)
    print(json.dumps({"sent": crowd.sent, "unsent": crowd.unsent, "retried": crowd.retried}))


if __name__ == "__main__":
    asyncio.run(_main())
