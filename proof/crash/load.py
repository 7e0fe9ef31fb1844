"""The load of a case: waves of a few buyers who book, hold, confirm, cancel, repeat their keys and let holds lapse.

Each buyer is a thread that follows one booking to its outcome. Each wave uses one row of the hall.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from core import ids
from core.operations import Book
from db.kv import admission
from db.kv.rounds import Rounds
from proof.crash.asked import DECIDED, RANK, Asked
from proof.crash.client import Client, Unanswered
from proof.crash.shows import Shows

#: Seconds between two polls of a buyer, and at most: after a fault the same few buyers poll for seconds.
POLL_S, LONGEST_POLL_S = 0.1, 0.5
#: Number of waiting buyers from which no further wave is sent: those of two waves.
MANY = 20
#: Max buyers at a time, each in a thread: those of a few waves.
BUYERS = 96

CONFIRMED, CANCELLED = frozenset({"CONFIRMED"}), frozenset({"CANCELLED"})
LAPSED = frozenset({"FAILED HOLD_EXPIRED"})
CONTESTED = frozenset({"CONFIRMED", "FAILED SEAT_TAKEN"})


@dataclass
class Load:
    """The buyers of one case, and what each requested."""

    client: Client
    shows: Shows
    lanes: int
    lease_ms: int
    rounds: Rounds
    asked: list[Asked] = field(default_factory=list)
    _keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    waves: int = 0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(BUYERS))
    _running: list[Future[None]] = field(default_factory=list)

    def wave(self, *, silent: bool) -> None:
        """Start one wave of buyers; the hall has rows for ROWS waves. `silent`: only a booking without a doorbell."""
        row = chr(ord("A") + self.waves)
        self.waves += 1
        self._go(self._unrung, self._ask(self.shows.long, CONFIRMED, seats=[f"{row}6"]))
        if silent:
            return
        for _ in range(3):
            self._go(self._follow, self._ask(self.shows.long, CONTESTED, contested=f"{row}1", seats=[f"{row}1"]))
        twice = self._ask(self.shows.long, CONFIRMED, seats=[f"{row}2"])
        self._go(self._follow, twice)
        self._go(self._follow, self._same(twice))
        self._go(self._confirm, self._ask(self.shows.long, CONFIRMED, seats=[f"{row}3"], hold=True))
        self._go(self._cancel_held, self._ask(self.shows.long, CANCELLED, seats=[f"{row}4"], hold=True))
        self._go(self._cancel, self._ask(self.shows.long, CANCELLED, seats=[f"{row}5"]))
        self._go(self._follow, self._ask(self.shows.short, CONFIRMED, quantity=2))
        self._go(self._follow, self._ask(self.shows.short, LAPSED, quantity=1, hold=True))

    @property
    def many_wait(self) -> bool:
        """Whether another wave would only add polls, because what was sent is not decided yet."""
        return sum(not future.done() for future in self._running) >= MANY

    def finish(self) -> list[str]:
        """Wait for all buyers; return requests that got no answer, or no outcome, in time."""
        found = []
        for future in self._running:
            try:
                future.result()
            except Unanswered as error:
                found.append(f"not answered, or not decided, in time: {error}")
        self._pool.shutdown()
        return found

    def _ask(self, show: int, may_end: frozenset[str], contested: str = "", **body: object) -> Asked:
        asked = Asked(show, {"show_id": show, **body}, may_end, contested=contested, key=f"key-{next(self._keys)}")
        self.asked.append(asked)
        return asked

    def _same(self, asked: Asked) -> Asked:
        """Return the same request again, with a record that knows nothing of the first."""
        again = Asked(asked.show, asked.body, asked.may_end, user=asked.user, key=asked.key)
        self.asked.append(again)
        return again

    def _go(self, buyer: Callable[[Asked], None], asked: Asked) -> None:
        self._running.append(self._pool.submit(buyer, asked))

    # -- buyers -----------------------------------------------------------------------------------------

    def _follow(self, asked: Asked) -> None:
        self.post(asked)
        if asked.id:
            self._until(asked, DECIDED)

    def _confirm(self, asked: Asked) -> None:
        self.post(asked)
        self._until(asked, RANK["HELD"])
        asked.saw(*self.client.call("PATCH", f"/api/bookings/{asked.id}/confirm", asked.user))
        self._until(asked, DECIDED)

    def _cancel_held(self, asked: Asked) -> None:
        self.post(asked)
        self._until(asked, RANK["HELD"])
        self._cancel(asked)

    def _cancel(self, asked: Asked) -> None:
        """Book, unless that is done, and cancel at once; the booking may become CONFIRMED in between."""
        if not asked.id:
            self.post(asked)
        asked.saw(*self.client.call("DELETE", f"/api/bookings/{asked.id}", asked.user))
        self._until(asked, RANK["CANCELLED"])

    def _unrung(self, asked: Asked) -> None:
        """Run accept.lua alone, as an api does that dies before it rings; nobody waits for the answer."""
        id_ = ids.booking_id(self.shows.booking_secret, asked.show, asked.user, asked.key)
        seats = tuple(asked.body["seats"])
        operation = Book(
            booking_id=id_, show_id=asked.show, user_id=asked.user, fingerprint=json.dumps(seats), seats=seats
        )
        code = "NO_CARD"
        while code == "NO_CARD" and time.monotonic() < self.client.deadline:
            code = admission.accept(self.rounds, operation, lanes=self.lanes, cap=1_000, lease_ms=self.lease_ms).code
        asked.id, asked.key = str(id_), ""
        if code != "ACCEPTED":
            asked.wrong.append(f"{asked} was not accepted: {code}")
        self._until(asked, DECIDED)

    # -- steps ------------------------------------------------------------------------------------------

    def post(self, asked: Asked) -> str:
        """Request the booking, or repeat the request; return the booking's state."""
        return asked.saw(*self.client.call("POST", "/api/bookings", asked.user, asked.body, asked.key))

    def get(self, asked: Asked) -> str:
        """Read the booking; return its state."""
        return asked.saw(*self.client.call("GET", f"/api/bookings/{asked.id}", asked.user))

    def _until(self, asked: Asked, rank: int) -> None:
        """Poll until the booking's state has at least this rank, or it FAILED. Raises Unanswered."""
        pause = POLL_S
        while True:
            state = self.get(asked)
            if not state or RANK[state] >= rank or state == "FAILED":
                return
            if time.monotonic() > self.client.deadline:
                raise Unanswered(f"{asked} is {state}")
            time.sleep(pause)
            pause = min(pause * 1.25, LONGEST_POLL_S)
