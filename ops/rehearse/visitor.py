"""One recorded booking, sent again: its POST and its later confirm and cancel, each at its time.

Between them it polls as the server says, until its booking is decided. A hold that was never confirmed is left alone:
its outcome is HELD. But a buyer who got no seats in the recording, and gets a hold now, confirms it at once: the
recording does not say what such a buyer would have done, and most would have bought. Visitors that are cancelled at
the time limit count as undecided or unanswered.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.bookings import Reason
from core.operations import Kind
from ops.rehearse.recording import Arrival
from ops.rush.buyer import wait_s
from ops.rush.client import ARRIVING, Answer, Call, Client, last_part
from ops.rush.figures import Tally

#: How a change of a booking is sent: kind -> method, path after the booking's.
CHANGES = {
    Kind.CONFIRM.value: ("PATCH", "/confirm"),
    Kind.CANCEL.value: ("DELETE", ""),
    Kind.EXTEND.value: ("PATCH", "/extend"),
    Kind.RELEASE.value: ("DELETE", ""),
}
#: Fields of operations that have another name over HTTP.
NAMED = {"waiting": "waiting_list"}
#: The recorded outcome of a hold that its buyer did not confirm.
LAPSED = f"FAILED {Reason.HOLD_EXPIRED}"
#: Answers to a change that are no violation: accepted, done already, refused.
ANSWERED = frozenset({200, 202, 409})


class Violation(Exception):
    """An answer broke a rule of bookings: what follows cannot be judged."""


@dataclass(slots=True)
class Visitor:
    """One recorded booking. Call `run` once, when its POST is due."""

    client: Client
    tally: Tally
    token: str
    show_id: int
    book: Arrival
    changes: Sequence[Arrival] = ()
    speed: float = 1.0
    #: CONFIRMED, CANCELLED, HELD, WAITING, FAILED and a reason, or the code of a refusal at admission.
    outcome: str = ""
    seats: tuple[str, ...] = ()
    _id: str = ""
    _stage: str = "QUEUED"
    _pending: bool = False
    _decided_at: float = 0.0
    _auth: dict[str, str] = field(default_factory=dict)

    async def run(self, begin: float) -> None:
        """Send everything, and see the outcome. `begin`: of the replay, by the loop's clock, seconds."""
        self._auth = {"Authorization": f"Bearer {self.token}"}
        headers = {**self._auth, "Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        asked = {NAMED.get(name, name): value for name, value in self.book.fields.items()}
        body = json.dumps({"show_id": self.show_id, **asked}, separators=(",", ":")).encode()
        post = Call("POST", self.client.url("/api/bookings"), headers, body, ARRIVING)
        arrived_at = time.perf_counter()
        try:
            answer = await self.client.insist(post)
        except asyncio.CancelledError:
            if post.trouble and not post.doubtful:
                self.tally.refused[post.trouble] += 1
                self.outcome = post.trouble
            raise
        self.tally.sent(post.first_sent_at)
        if answer.status not in (200, 202):
            self.tally.refused[answer.code] += 1
            self.outcome = answer.code
            return
        self.tally.accept(arrived_at, post.first_sent_at, answer.at, answer.body.get("eta_ms"))
        self._id = last_part(answer.location or "") or str(answer.body.get("id"))
        try:
            self._see(answer)
            for change in self.changes:
                await self._watch(answer, begin + change.at_ms / 1000 / self.speed)
                answer = await self._change(change)
            await self._watch(answer, None)
            if self.outcome == "HELD" and self.book.outcome.startswith("FAILED") and self.book.outcome != LAPSED:
                await self._watch(await self._change(Arrival(0, Kind.CONFIRM.value, self.book.booking)), None)
        except Violation as violation:
            self.tally.violate(f"booking {self._id}: {violation}")
        self._count(post.first_sent_at)

    async def _watch(self, answer: Answer, until: float | None) -> None:
        """Poll while something is undecided; None: return then. Otherwise return when it is `until`."""
        now = asyncio.get_running_loop().time
        poll = Call("GET", self.client.url(f"/api/bookings/{self._id}"), self._auth)
        while self._stage == "QUEUED" or self._pending:
            pause_s = wait_s(answer)
            if until is not None and now() + pause_s >= until:
                break
            await self.client.sleep(pause_s)
            answer = await self.client.insist(poll)
            self.tally.polls += 1
            if answer.status != 200:
                raise Violation(f"its status was answered {answer.code}")
            self._see(answer)
        if until is not None and (early_s := until - now()) > 0:
            await self.client.sleep(early_s)

    async def _change(self, change: Arrival) -> Answer:
        method, path = CHANGES[change.kind]
        body = json.dumps(dict(change.fields)).encode() if change.fields else None
        headers = {**self._auth, "Content-Type": "application/json"} if body else self._auth
        answer = await self.client.insist(
            Call(method, self.client.url(f"/api/bookings/{self._id}{path}"), headers, body)
        )
        if answer.status not in ANSWERED:
            raise Violation(f"its {change.kind} was answered {answer.code}")
        if answer.status != 409:
            self._see(answer)
        self._pending = True  # the next poll shows what became of it
        return answer

    def _see(self, answer: Answer) -> None:
        """Take a status as the api sends it."""
        body, was = answer.body, self.outcome
        if body.get("id") != self._id:
            raise Violation(f"its key has another booking, {body.get('id')}")
        status, self._stage = str(body.get("status")), str(body.get("stage") or "")
        self._pending = body.get("pending_operation") is not None
        self.seats = tuple(body.get("seats") or ()) if status == "CONFIRMED" else ()
        if self._stage == "QUEUED":
            return
        self._decided_at = self._decided_at or answer.at
        self.outcome = f"FAILED {body.get('reason')}" if status == "FAILED" else self._stage or status
        if was != self.outcome and (was == "CANCELLED" or was.startswith("FAILED")):
            raise Violation(f"{was} became {self.outcome}")

    def _count(self, sent_at: float) -> None:
        """Count the outcome, unless none was seen."""
        if not self.outcome:
            return
        bought = self.outcome == "CONFIRMED"
        self.tally.decide(None if bought else self.outcome.removeprefix("FAILED "), sent_at, self._decided_at)
        if bought:
            self.tally.sell(self._id, self.seats)
