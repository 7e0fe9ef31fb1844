"""One simulated buyer: book, poll when the server says, confirm if it is a hold, see the outcome.

Buyers that are cancelled are not reported to the tally: the figures count those with a 202 as undecided, those
without as unanswered. The exception: a buyer whose last answer was a definite refusal is counted as refused.
"""

from __future__ import annotations

import asyncio
import time
import uuid

from ops.rush.client import ARRIVING, PAUSE_S, Answer, Call, Client, Lost, last_part
from ops.rush.figures import Tally
from ops.rush.picks import Pick
from ops.rush.witness import HELD, Witness

#: Milliseconds between polls if the server does not say.
POLL_MS = 250.0


class Buyer:
    """One user with one pick. Call `run` once, then possibly `repeat`."""

    __slots__ = ("_auth", "_client", "_post", "_tally", "witness")

    def __init__(self, client: Client, tally: Tally, token: str, pick: Pick, show_id: int) -> None:
        self._client = client
        self._tally = tally
        self._auth = {"Authorization": f"Bearer {token}"}
        headers = {**self._auth, "Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        self._post = Call("POST", client.url("/api/bookings"), headers, pick.body(show_id), ARRIVING)
        self.witness = Witness(pick, tally.violate)

    async def run(self) -> None:
        """Book, and follow the booking to its outcome. Cancelled at the rush's deadline."""
        arrived_at = time.perf_counter()
        try:
            answer = await self._client.insist(self._post)
        except asyncio.CancelledError:
            if self._post.trouble and not self._post.doubtful:
                self._tally.refused[self._post.trouble] += 1
            raise
        self._tally.sent(self._post.first_sent_at)
        if answer.status not in (200, 202):
            self._tally.refused[answer.code] += 1
            return
        self._tally.accept(arrived_at, self._post.first_sent_at, answer.at, answer.body.get("eta_ms"))
        for named in self._post.named:
            self.witness.identify(named)
        if answer.location:
            self.witness.identify(last_part(answer.location))
        await self._follow(answer)

    async def repeat(self) -> None:
        """Repeat the POST after the outcome, and check that the answer still has it. Ignore a lost or busy answer."""
        try:
            answer = await self._client.once(self._post)
        except Lost:
            return
        if answer.status in (200, 202):
            self.witness.see(answer.body)
        elif answer.status < 500 and answer.status != 429:
            self._tally.violate(f"booking {self.witness.id}: its repeated POST was answered {answer.code}")

    async def _follow(self, answer: Answer) -> None:
        """Poll until the outcome, and confirm once the booking is held. Stop at an answer that is a violation."""
        witness, tally = self.witness, self._tally
        witness.see(answer.body)
        poll = Call("GET", self._client.url(f"/api/bookings/{witness.id}"), self._auth)
        held = False
        try:
            while not witness.is_final:
                if not held and witness.stage == HELD:
                    held = True
                    tally.held += 1
                if held and not witness.confirm_sent:
                    answer = await self._confirm(answer)
                    continue
                await self._client.sleep(wait_s(answer))
                answer = await self._client.insist(poll)
                tally.polls += 1
                if answer.status != 200:
                    tally.violate(f"booking {witness.id}: its status was answered {answer.code}")
                    return
                witness.see(answer.body)
        finally:
            tally.held -= held
        confirmed = witness.status == "CONFIRMED"
        tally.decide(None if confirmed else witness.reason, self._post.first_sent_at, answer.at)
        tally.sell(witness.id, witness.seats)

    async def _confirm(self, answer: Answer) -> Answer:
        """Confirm the hold, retrying until answered. After a 409 (too late), the next poll shows the outcome."""
        witness = self.witness
        witness.confirm_sent = True
        url = self._client.url(f"/api/bookings/{witness.id}/confirm")
        reply = await self._client.insist(Call("PATCH", url, self._auth))
        if reply.status in (200, 202):
            if "status" in reply.body:
                witness.see(reply.body)
            return reply
        if reply.status != 409:
            self._tally.violate(f"booking {witness.id}: its confirm was answered {reply.code}")
        return answer


def wait_s(answer: Answer) -> float:
    """Return the seconds until the next poll: `poll_after_ms`, or Retry-After, or a default."""
    poll_after_ms = answer.body.get("poll_after_ms")
    if isinstance(poll_after_ms, int | float):
        return max(PAUSE_S, poll_after_ms / 1000)
    return POLL_MS / 1000 if answer.retry_after_s is None else max(PAUSE_S, answer.retry_after_s)
