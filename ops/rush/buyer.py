"""One buyer's life: ask, wait as told, confirm if it is a hold, see the outcome.

An end that is not told to the tally is read off by what is missing there: a buyer cancelled after its 202
is undecided, one cancelled before is unanswered (or refused, if the last word was a certain refusal).
"""

from __future__ import annotations

import asyncio
import time
import uuid

from ops.rush.client import ARRIVING, PAUSE_S, Answer, Call, Client, Lost, last_part
from ops.rush.figures import Tally
from ops.rush.picks import Pick
from ops.rush.witness import HELD, Witness

#: When to ask again, in ms, if the server does not tell.
POLL_MS = 250.0


class Buyer:
    """One identity with one wish. `live()` once, then maybe `ask_again()`."""

    __slots__ = ("_auth", "_client", "_post", "_tally", "witness")

    def __init__(self, client: Client, tally: Tally, token: str, pick: Pick, show_id: int) -> None:
        self._client = client
        self._tally = tally
        self._auth = {"Authorization": f"Bearer {token}"}
        headers = {**self._auth, "Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        self._post = Call("POST", client.url("/api/bookings"), headers, pick.body(show_id), ARRIVING)
        self.witness = Witness(pick, tally.violate)

    async def live(self) -> None:
        """From the first POST to the outcome. Cancelled at the deadline of the rush."""
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
        self._tally.accept(arrived_at, self._post.first_sent_at, answer.at)
        for named in self._post.named:
            self.witness.identify(named)
        if answer.location:
            self.witness.identify(last_part(answer.location))
        await self._follow(answer)

    async def ask_again(self) -> None:
        """After the outcome: the same POST must still give it. A busy or lost answer proves nothing."""
        try:
            answer = await self._client.once(self._post)
        except Lost:
            return
        if answer.status in (200, 202):
            self.witness.see(answer.body)
        elif answer.status < 500 and answer.status != 429:
            self._tally.violate(f"booking {self.witness.id}: its POST, sent again, was answered {answer.code}")

    async def _follow(self, answer: Answer) -> None:
        """Poll, and confirm once it is held, until the outcome or an answer that must not be."""
        witness, tally = self.witness, self._tally
        witness.see(answer.body)
        poll = Call("GET", self._client.url(f"/api/bookings/{witness.id}"), self._auth)
        held = False
        try:
            while not witness.is_final:
                if not held and witness.stage == HELD:
                    held = True
                    tally.held += 1
                if held and not witness.confirm_asked:
                    answer = await self._confirm(answer)
                    continue
                await self._client.sleep(_wait_s(answer))
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
        """Ask for the confirm, once answered for good. A 409 came too late: the status will tell."""
        witness = self.witness
        witness.confirm_asked = True
        url = self._client.url(f"/api/bookings/{witness.id}/confirm")
        reply = await self._client.insist(Call("PATCH", url, self._auth))
        if reply.status in (200, 202):
            if "status" in reply.body:
                witness.see(reply.body)
            return reply
        if reply.status != 409:
            self._tally.violate(f"booking {witness.id}: its confirm was answered {reply.code}")
        return answer


def _wait_s(answer: Answer) -> float:
    """Seconds until the next poll: `poll_after_ms`, or Retry-After, or a default."""
    told = answer.body.get("poll_after_ms")
    if isinstance(told, int | float):
        return max(PAUSE_S, told / 1000)
    return POLL_MS / 1000 if answer.retry_after_s is None else max(PAUSE_S, answer.retry_after_s)
