"""The hot path: the requests of the hot minute, answered on the event loop, before Flask sees them.

Threads that hand each other Python's lock, and Flask and Werkzeug around a view, cost several times what accepting a
booking does. So a POST of a booking and the GET of a status that look as they usually do are read here, put to the
same desk as Flask's views (desk.py), and answered with the same headers; a `?wait=` holds no thread. A seat map that
is kept is sent from here as well (hotmaps.py). Whatever is unusual about a request - a token that is not valid, a
body that is not plain, another media type - goes to Flask untouched, and is answered or refused there. What must ask
Postgres does so in a thread.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote_from_bytes
from uuid import UUID

from a2wsgi import WSGIMiddleware
from flask import Flask
from redis.exceptions import OutOfMemoryError
from werkzeug.http import parse_etags

from api import desk, hooks, hotmaps, metrics, problems
from api.door import Door
from api.envelope import Envelope
from api.errors import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from api.hotmaps import HotMaps
from api.places import Seen
from api.plain import Headers, Receive, body_of, booking_of, headers_of, length_of
from api.rates import Rates, Verdict
from api.replies import Reply
from api.stores import Stores
from api.tokens import Identity, Verifier
from api.waiters import Waiters
from core.crashpoints import point
from core.errors import AcceptUnknown
from core.ids import lane_of, show_of
from db import guard, lanes, statuses
from db.async_rounds import AsyncRounds
from db.lanes import Accepted
from workers.actors import ring

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
R = TypeVar("R")

BOOKINGS = "/api/bookings"
#: The rules of bookings.py that are answered here, as metrics name them.
POST_RULE, STATUS_RULE = BOOKINGS, BOOKINGS + "/<uuid:booking_id>"
_STATUS_PATH = re.compile(
    BOOKINGS + "/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.ASCII | re.IGNORECASE
)
_WAIT = re.compile(rb"wait=([0-9]{1,3})")
JSON = b"application/json"


@dataclass(slots=True)
class _Exchange:
    """A request that is answered here. `started`: seconds, of time.perf_counter."""

    rule: str
    method: str
    headers: Headers
    send: Send
    started: float
    request_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.request_id = hooks.request_id(self.headers.get(b"x-request-id", b"").decode("latin-1"))


class HotPath:
    """An ASGI application around Flask's."""

    def __init__(self, flask: Flask, envelope: Envelope, *, threads: int, max_body: int) -> None:
        """Args: threads: for Flask, and as many for what asks Postgres.   max_body: bytes; Flask refuses longer."""
        stores: Stores = flask.extensions["onsale"]
        self._app: App = WSGIMiddleware(flask, workers=threads)  # type: ignore[assignment, arg-type]
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="desk")
        self._envelope = envelope
        self._door: Door = stores.door
        self._rounds = AsyncRounds(stores.settings.redis_url, questions=guard.for_redis(stores.settings))
        self._verifier: Verifier = flask.extensions["onsale-tokens"]
        self._rates: Rates | None = flask.extensions.get("onsale-rates")
        self._waiters: Waiters = flask.extensions["onsale-waiters"]
        self._wait_cap_s = stores.settings.wait_cap_s
        self._max_body = max_body
        self._maps = HotMaps(flask.extensions["onsale-seatmaps"], self._rounds, self._door, self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let Flask answer it."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(BOOKINGS):
                method = scope["method"]
                if method == "POST" and path == BOOKINGS:
                    return await self._post(scope, receive, send)
                if method == "GET" and (match := _STATUS_PATH.fullmatch(path)):
                    return await self._get(scope, receive, send, UUID(match[1]))
            elif (show_id := hotmaps.show_of(path)) and scope["method"] == "GET" and not scope["query_string"]:
                return await self._map(scope, receive, send, show_id)
        return await self._flask(scope, receive, send)

    async def close(self) -> None:
        """Close the connection to Redis. Nothing may be asked any more."""
        await self._rounds.close()

    async def _flask(self, scope: Scope, receive: Receive, send: Send, body: bytes | None = None) -> None:
        """Let Flask answer. `body`: what has been read of the request, all of it, if anything has."""
        told = body is None

        async def received() -> Any:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        if scope["type"] == "http" and not scope["query_string"].isascii():  # WSGI has no place for one as it is
            scope["query_string"] = quote_from_bytes(scope["query_string"], "&=+%").encode()
        await self._app(scope, received, send)

    # -- reading a request ------------------------------------------------------------------------------

    async def _post(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = headers_of(scope["headers"])
        who, length = self._who(headers), length_of(headers)
        if who is None or length is None or length > self._max_body or headers.get(b"content-type") != JSON:
            return await self._flask(scope, receive, send)
        body = await body_of(receive)
        asked = booking_of(body)
        if asked is None:
            return await self._flask(scope, receive, send, body)
        key = headers.get(b"idempotency-key")
        make = partial(self._ask, who.user_id, key.decode("latin-1") if key is not None else None, asked)
        return await self._answer(_Exchange(POST_RULE, "POST", headers, send, started), who, make)

    async def _get(self, scope: Scope, receive: Receive, send: Send, booking_id: UUID) -> None:
        started = time.perf_counter()
        headers = headers_of(scope["headers"])
        who, wait_s, query = self._who(headers), 0.0, scope["query_string"]
        if query:
            match = _WAIT.fullmatch(query)
            wait_s = min(float(match[1]), self._wait_cap_s) if match else -1.0
        if who is None or wait_s < 0:
            return await self._flask(scope, receive, send)
        make = partial(self._show, booking_id, who.user_id, wait_s, headers.get(b"if-none-match"))
        return await self._answer(_Exchange(STATUS_RULE, "GET", headers, send, started), who, make)

    async def _map(self, scope: Scope, receive: Receive, send: Send, show_id: int) -> None:
        started = time.perf_counter()
        headers = headers_of(scope["headers"])
        reply = None
        if headers and self._envelope.knows(headers):
            reply = await self._maps.reply(show_id, headers.get(b"if-none-match"))
        if reply is None:
            return await self._flask(scope, receive, send)
        return await self._send(_Exchange(hotmaps.RULE, "GET", headers, send, started), reply)

    def _who(self, headers: Headers) -> Identity | None:
        """Who asks; None if that is for Flask to refuse."""
        if not self._envelope.knows(headers):
            return None
        try:
            return self._verifier.identity(headers.get(b"authorization", b"").decode("latin-1"))
        except (TokenMissing, TokenInvalid, TokenExpired, TokenRevoked):
            return None

    async def _answer(self, exchange: _Exchange, who: Identity, make: Callable[[str], Awaitable[Reply]]) -> None:
        """Make the reply and send it. As with Flask's handlers, every error is an answer."""
        verdict = self._rates.take(who.user_id) if self._rates else None
        try:
            if verdict and not verdict.allowed:
                raise verdict.refusal()
            reply = await make(exchange.request_id)
        except Exception as error:  # noqa: BLE001 - it is logged there
            reply = problems.reply_of(error, exchange.request_id)
        await self._send(exchange, reply, verdict)

    async def _send(self, exchange: _Exchange, reply: Reply, verdict: Verdict | None = None) -> None:
        """Send a reply with the headers that every answer has, and count it."""
        body = reply.body if isinstance(reply.body, bytes) else reply.body.encode()
        out = [(name.lower().encode(), value.encode()) for name, value in reply.headers]
        if reply.status != 304:
            out += [(b"content-type", reply.content_type.encode()), (b"content-length", b"%d" % len(body))]
        if self._rates and verdict:
            out += [(name.lower().encode(), value.encode()) for name, value in self._rates.headers(verdict)]
        out += self._envelope.around(exchange.headers, exchange.request_id, reply.public)
        await exchange.send({"type": "http.response.start", "status": reply.status, "headers": out})
        await exchange.send({"type": "http.response.body", "body": body})
        metrics.observe(exchange.rule, exchange.method, reply.status, time.perf_counter() - exchange.started)

    # -- answering it -----------------------------------------------------------------------------------

    async def _ask(self, user_id: UUID, key: str | None, asked: dict[str, Any], request_id: str) -> Reply:
        """Ask for seats, as desk.ask does."""
        door = self._door
        hall = door.known_hall(asked["show_id"])
        if hall is None:
            return await self._in_thread(desk.ask, door, user_id, key, asked, request_id)
        operation = desk.operation_of(door.booking_secret, hall, user_id, desk.checked(key), asked)
        point("A0")
        try:
            [reply] = await self._rounds.call([door.command(operation, request_id)], writes=True)
            accepted = door.counted(operation, lanes.accepted(reply))
            point("A1", AcceptUnknown)
        except OutOfMemoryError:
            accepted = Accepted("FULL")
        except AcceptUnknown:
            return desk.unknown(operation, request_id)
        if accepted.ring:
            self._threads.submit(ring, lane_of(operation.show_id, door.lanes_count))
        answer = None
        if accepted.code != "NO_CARD" and not accepted.stale:
            answer = desk.answered(operation, accepted, key is not None, request_id)
        if answer is not None:
            point("A3")
            return answer
        return await self._in_thread(desk.take, door, operation, key is not None, request_id, accepted)

    async def _show(
        self, booking_id: UUID, user_id: UUID, wait_s: float, has: bytes | None, _request_id: str
    ) -> Reply:
        """The status, or 304 for a client that has this version."""
        seen = await (self._wait(booking_id, user_id, wait_s) if wait_s > 0 else self._look(booking_id, user_id))
        reply = seen.reply(200)
        if has is not None and seen.etag in parse_etags(has.decode("latin-1")):
            return Reply(304, "", reply.headers)
        return reply

    async def _look(self, booking_id: UUID, user_id: UUID) -> Seen:
        """The status now, as desk.look finds it."""
        door = self._door
        if not door.ready:
            return await self._in_thread(desk.look, door, booking_id, user_id)
        show_id = show_of(desk.known_id(booking_id))
        replies = await self._rounds.call(statuses.read_commands(booking_id, show_id, door.lanes_count), writes=False)
        seen = desk.seen(booking_id, user_id, *statuses.parse(replies))
        if seen is not None:
            return seen
        return await self._in_thread(desk.look, door, booking_id, user_id)

    async def _wait(self, booking_id: UUID, user_id: UUID, wait_s: float) -> Seen:
        """Look, and again at each publication of the booking, until nothing is undecided or the time is over."""
        deadline, published = time.monotonic() + wait_s, asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, published.set)
        if not self._waiters.enter(booking_id, wake):
            return await self._look(booking_id, user_id)
        try:
            seen = await self._look(booking_id, user_id)  # whatever is published after this look wakes us
            while seen.waits and (left_s := deadline - time.monotonic()) > 0:
                # A second at the most: should the listener have lost its connection, the wait goes on all the same.
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left_s, 1.0)):
                        await published.wait()
                published.clear()
                seen = await self._look(booking_id, user_id)
        finally:
            self._waiters.leave(booking_id, wake)
        return seen

    async def _in_thread(self, function: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *arguments))
