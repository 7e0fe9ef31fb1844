"""After the load: wait until the system is at rest, repeat what a wipe lost, and read every outcome again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from redis import RedisError

from core.errors import OnsaleError
from db.postgres import bookings
from db.postgres.engine import make_engine, transaction
from ops.rush.tokens import mint
from proof.chaos.deployment import HOST, Deployment
from proof.chaos.evidence import Evidence
from proof.chaos.harness_lag import HarnessLag
from proof.chaos.record import BOOK, CANCEL, CHANGES, SEATS, SHOW, STATUS, Call, Record
from proof.chaos.requests import change_request
from proof.kit import sql
from proof.kit.async_client import AsyncClient, request
from proof.kit.client import Broken, NoAnswer

#: Seconds after the last fault and the end of the load within which lanes must be empty and holds ended.
REST_BOUND_S = 30.0
#: Bookings whose status their owners read afterwards, keys that are repeated, and requests in flight at once.
LOOKS, REPEATS, AT_ONCE = 1_500, 200, 24
#: Seconds until a request is abandoned.
DEADLINE_S = 10.0


async def wait_for_rest(deployment: Deployment, watch: HarnessLag) -> list[str]:
    """Wait until lanes are empty and no hold is left. Returns what was still open after REST_BOUND_S seconds.

    Time for which this process itself was stalled does not count: the system was stalled too.
    """
    begun = time.time()
    while found := await asyncio.to_thread(_unfinished, deployment):
        if time.time() - begun - watch.lost_s(begun) > REST_BOUND_S:
            return found
        await asyncio.sleep(0.2)
    return []


def _unfinished(deployment: Deployment) -> list[str]:
    found = []
    engine = make_engine(deployment.running.database_url, pool_size=1)
    try:
        found += [f"lane {lane.lane} has {lane.depth} entries" for lane in deployment.lanes() if lane.depth]
        with transaction(engine) as connection:
            held = bookings.count_by_state(connection).get("HELD", 0)
            uncancelled = connection.execute(sql.LIVE_OF_CANCELLED_SHOWS).scalar_one()
        found += [f"{held} holds have not ended"] if held else []
        found += [f"{uncancelled} bookings of cancelled shows are live"] if uncancelled else []
    except (OnsaleError, RedisError) as error:
        found.append(f"a store is unavailable: {error}")
    finally:
        engine.dispose()
    return found


def _waiting(deployment: Deployment) -> list[tuple[str, str, int]] | None:
    """Return (booking, user, show) of everybody in a waiting list; None if Postgres is not available."""
    engine = make_engine(deployment.running.database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            return [(str(row.id), str(row.user_id), row.show_id) for row in connection.execute(sql.WAITING)]
    except OnsaleError:
        return None
    finally:
        engine.dispose()


def _undecided(deployment: Deployment) -> bool:
    try:
        return any(lane.depth for lane in deployment.lanes())
    except (OnsaleError, RedisError):
        return True


def lost_by_wipe(evidence: Evidence) -> frozenset[str]:
    """Return the bookings accepted before a wipe that have no outcome, or got one only because they were repeated."""
    found = set()
    for id_, calls in evidence.accepted():
        rows = evidence.outcomes.get(id_)
        accepted_at = evidence.accepted_at(rows[0]) if rows else calls[-1].sent_at
        for wipe in evidence.wipes:
            lost_later = bool(rows) and accepted_at > wipe.ended
            kept = wipe.back_to is not None and calls[0].answered_at < wipe.back_to
            if (
                not kept
                and calls[0].sent_at <= wipe.ended
                and (lost_later or (not rows and accepted_at <= wipe.ended))
            ):
                found.add(id_)
    return frozenset(found)


def changes_lost_by_wipe(evidence: Evidence) -> list[Call]:
    """Return the operations on bookings that were accepted before a wipe and never decided."""
    found = []
    for id_, calls in evidence.by_booking.items():
        for call in calls:
            if call.kind in CHANGES and call.code == 202 and evidence.may_be_lost(call):
                decided = [row for row in evidence.rows_of.get(id_, ()) if row.kind == call.kind]
                if not any(row.decided_ms / 1000 >= call.sent_at - 1 for row in decided):
                    found.append(call)
    return found


class Afterwards:
    """Requests of the run's users after the load. All of them are recorded."""

    def __init__(self, deployment: Deployment, noted: Record, seed: int) -> None:
        self._deployment = deployment
        self._record = noted
        self._secret = deployment.running.jwt_secret
        self._wire = AsyncClient(HOST, deployment.port)
        self._free = asyncio.Semaphore(AT_ONCE)
        self._random = random.Random(f"afterwards {seed}")
        self._tokens: dict[str, str] = {}

    async def repeat(self, calls: Iterable[Call]) -> list[Call]:
        """Send requests again, with their keys."""
        return await asyncio.gather(*(self._again(call) for call in calls))

    async def leave(self) -> None:
        """Have everybody leave the waiting lists: otherwise offers would follow each other for as long as they are.

        While a lane is not drained it may have more who will wait; so it is repeated until nobody does.
        """
        begun = time.time()
        while time.time() - begun < REST_BOUND_S:
            waiting = await asyncio.to_thread(_waiting, self._deployment)
            if not waiting and not await asyncio.to_thread(_undecided, self._deployment):
                return
            await asyncio.gather(*(self._cancel(*each) for each in waiting or ()))
            await asyncio.sleep(0.5)

    async def _cancel(self, id_: str, user: str, show: int) -> None:
        raw = change_request(CANCEL, id_, self._token(user), {})
        await self._send(CANCEL, raw, {"user": user, "show": show, "booking": id_})

    async def look(self, evidence: Evidence, too: Iterable[str], watch: HarnessLag) -> None:
        """Repeat some keys, wait until they are decided, then read many bookings (`too` among them) and all shows."""
        firsts = {id_: taken[0] for id_, taken in evidence.accepted()}
        known = list(firsts)
        self._random.shuffle(known)
        # A key whose final status had left Redis is queued once more.
        await self.repeat(firsts[id_] for id_ in known[:REPEATS])
        await wait_for_rest(self._deployment, watch)
        await asyncio.gather(*(self._status(id_, firsts[id_]) for id_ in {*known[:LOOKS], *too}))
        shows = sorted({call.show for call in evidence.calls if call.show})
        await asyncio.gather(*(self._read(kind, show) for show in shows for kind in (SHOW, SEATS)))
        self._wire.close()

    async def _again(self, call: Call) -> Call:
        token = self._token(call.user)
        if call.kind == BOOK:
            raw = request(
                "POST", "/api/bookings", token=token, key=call.key, body={"show_id": call.show, **call.asked}
            )
        else:
            raw = change_request(call.kind, call.booking, token, call.asked)
        about: dict[str, Any] = {"user": call.user, "show": call.show, "key": call.key, "asked": call.asked}
        return await self._send(call.kind, raw, {**about, "booking": call.booking})

    async def _status(self, id_: str, call: Call) -> Call:
        raw = request("GET", f"/api/bookings/{id_}", token=self._token(call.user))
        return await self._send(STATUS, raw, {"user": call.user, "show": call.show, "booking": id_})

    async def _read(self, kind: str, show: int) -> Call:
        path = f"/api/shows/{show}" + ("/seats" if kind == SEATS else "")
        return await self._send(kind, request("GET", path), {"show": show})

    async def _send(self, kind: str, raw: bytes, about: dict[str, Any]) -> Call:
        async with self._free:
            call = self._record.sent(kind, **about)
            code, body = 0, dict[str, Any]()
            for _ in range(2):
                try:
                    code, body = await self._wire.once(raw, DEADLINE_S)
                    break
                except NoAnswer:
                    break
                except Broken:
                    call.tries += 1
            self._record.answered(call, code, body)
        return call

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = mint(self._secret, user)
        return self._tokens[user]


def refused(calls: Sequence[Call], evidence: Evidence) -> frozenset[str]:
    """Return the repeated bookings that were refused for good, without an outcome."""
    return frozenset(evidence.id_of(call) for call in calls if call.code == 409)
