"""The front: handles granian's requests on the event loop, in front of Flask.

It reads bodies, with a limit and a deadline, before anything waits for a thread. It answers the most frequent
requests (bookings, their statuses, confirms and cancels, seat maps) and the probes itself, through the same services
as Flask's views, and passes everything else to Flask (bridge.py). It is only a transport: with API_FRONT off, Flask
answers everything, more slowly (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from api.access.tokens import Identity, Verifier
from api.bookings import booked_at_once, parse
from api.bookings.booked_at_once import preferred_wait_s
from api.bookings.service import BookingService
from api.catalogue import open_requests
from api.catalogue.uploads import most_bytes
from api.front_streams import FrontStreams
from api.pages.files import RULE, Pages
from api.server import rsgi
from api.server.bridge import Bridge
from api.server.rsgi import Bodies, Exchange
from api.shapes.requests import WAIT_QUERY
from api.web import health, metrics, problems
from api.web.backend import Backend
from api.web.headers import ResponseHeaders, one_vary
from api.web.proxies import FORWARDED_PREFIX, FORWARDED_PROTO, Sender, drop_ambiguous, sender_of
from api.web.rate_limits import Allowed, Rates
from api.web.reply import Reply
from api.web.request_reading import loaded_query_string
from core.errors import OnsaleError
from core.ids import show_of
from core.operations import Confirm, Extend
from core.settings import Settings

BOOKINGS = "/api/bookings"
BOOKING = BOOKINGS + "/<uuid:booking_id>"
#: The metrics' route for a request that is meant for Flask, but rejected before Flask sees it.
FLASKS = "(none)"
_BOOKING_PATH = re.compile(
    BOOKINGS + "/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(/confirm|/extend)?",
    re.ASCII | re.IGNORECASE,
)
_WAIT = re.compile("wait=([0-9]{1,3})", re.ASCII)
#: Max requests that wait for one of Flask's threads, per thread: a second or two of ordinary ones.
WAITING_PER_THREAD = 8
#: The sender of a request without trusted proxies. TLS ends at a proxy, so the scheme is http.
DIRECT = Sender(None, "http", "")
#: On the last answer of a connection: the client must not send another request on it.
CLOSE = ("Connection", "close")

Make = Callable[[Exchange, Identity], Awaitable[Reply]]


class Front:
    """An RSGI application around Flask's."""

    def __init__(self, app: Flask, *, max_body: int) -> None:
        """Args: max_body: max bytes of a body, except for halls' plans and posters."""
        self._backend: Backend = app.extensions["onsale"]
        self._service: BookingService = self._backend.service
        self._settings: Settings = self._backend.settings
        self._max_body = max_body
        self._bodies = Bodies()
        self._verifier: Verifier = app.extensions["onsale-tokens"]
        self._rates: Rates | None = app.extensions.get("onsale-rates")
        self._around: ResponseHeaders = app.extensions["onsale-response-headers"]
        self._pages: Pages = app.extensions["onsale-pages"]
        self._of_booking: dict[tuple[str, str], Make] = {
            ("GET", ""): self._status,
            ("DELETE", ""): self._cancel,
            ("PATCH", "/confirm"): self._confirm,
            ("PATCH", "/extend"): self._extend,
        }
        self._find = partial(open_requests.find, self._backend, app.extensions["onsale-listings"])
        self._streams = FrontStreams(self._backend, self._verifier, self._rates, self._headers, self._send)
        threads = self._settings.api_threads
        self._bridge = Bridge(app, threads=threads, waiting=threads * WAITING_PER_THREAD)

    # -- the life of the process ------------------------------------------------------------------------

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use granian's loop, and shut down gracefully on SIGTERM. Called by granian."""
        self.use(loop)
        loop.add_signal_handler(signal.SIGTERM, self._leave, loop)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close connections and threads. Called by granian after all requests have been answered."""
        loop.run_until_complete(self.close())

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the services on this loop. To be called before the first request."""
        self._backend.loop.adopt(loop)

    async def close(self) -> None:
        """Close the connection to Redis and end the threads. No request may follow."""
        # In a thread: a view whose client has disconnected may still wait for a call on this loop.
        await asyncio.to_thread(self._bridge.close)
        await self._backend.close_on_loop()

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail /readyz, answer waiting requests, close each connection with its next answer; end after LEAVE_S.

        Balancers have LEAVE_S to notice. Then SIGINT makes granian shut down: it answers what it has begun, and
        closes its connections.
        """
        if not self._service.leaving:
            self._service.leave()
            self._backend.streams.leave()
            loop.call_later(self._settings.leave_s, os.kill, os.getpid(), signal.SIGINT)

    # -- one request ------------------------------------------------------------------------------------

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request, or pass it to Flask."""
        with suppress(ProtocolClosed):  # the client has disconnected
            await (self._answered_here(scope, proto) or self._flask(scope, proto))

    def _answered_here(self, scope: Any, proto: Any) -> Awaitable[None] | None:
        path, method = scope.path, scope.method
        if path == BOOKINGS:
            return self._answer(Exchange(BOOKINGS, scope, proto), self._book) if method == "POST" else None
        if path.endswith("/events"):
            return self._streams.answer(scope, proto) if method == "GET" else None
        if path.startswith(BOOKINGS):
            match = _BOOKING_PATH.fullmatch(path)
            if match is None:
                return None
            what = match[2] or ""
            make = self._of_booking.get((method, what))
            return self._answer(Exchange(BOOKING + what, scope, proto), make) if make else None
        if method != "GET":
            return None
        if path.startswith(("/api/shows", "/api/halls/")):
            found = self._find(scope)
            return self._open(Exchange(found[0], scope, proto), found[1]) if found else None
        if path == "/healthz":
            return self._open(Exchange(path, scope, proto), health.liveness())
        if path == "/readyz":
            return self._open(Exchange(path, scope, proto), health.readiness(self._backend))
        exchange = Exchange(RULE, scope, proto)
        page = self._pages.find(path, self._sender(exchange).prefix)
        return self._open(exchange, page) if page else None

    async def _answer(self, exchange: Exchange, make: Make) -> None:
        """Answer a request that needs a token. As in Flask's error handlers, every error becomes an answer."""
        verdict = None
        try:
            who = self._verifier.identity(exchange.headers.get("authorization", ""))
            if self._rates is not None:
                verdict = self._rates.spend(who.user_id)
                if not verdict.allowed:
                    raise verdict.refusal()
            reply = await make(exchange, who)
        except Exception as error:  # noqa: BLE001 - it is logged there
            reply = problems.reply_of(error, exchange.request_id)
        self._send(exchange, reply, verdict)

    async def _open(self, exchange: Exchange, work: Awaitable[Reply] | Reply) -> None:
        """Answer a request that needs no token."""
        try:
            reply = work if isinstance(work, Reply) else await work
        except Exception as error:  # noqa: BLE001 - it is logged there
            reply = problems.reply_of(error, exchange.request_id)
        joined = partial(rsgi.joined, exchange.headers)
        self._send(exchange, reply.unless_known(joined("if-none-match")).packed(joined("accept-encoding")))

    def _send(self, exchange: Exchange, reply: Reply, verdict: Allowed | None = None) -> None:
        """Send a reply with the headers that every answer has, and observe it in the metrics."""
        headers = self._headers(exchange, reply, verdict)
        if reply.status == 304:
            exchange.proto.response_empty(304, headers)
        else:
            send = exchange.proto.response_str if isinstance(reply.body, str) else exchange.proto.response_bytes
            send(reply.status, headers, reply.body)
        metrics.way("threads" if exchange.rule == FLASKS else "fast")
        seconds = time.perf_counter() - exchange.started
        metrics.observe(exchange.rule, exchange.scope.method, reply.status, seconds)

    def _headers(self, exchange: Exchange, reply: Reply, verdict: Allowed | None) -> list[tuple[str, str]]:
        sender, scope = self._sender(exchange), exchange.scope
        headers = reply.below(sender.prefix).headers
        if self._rates is not None and verdict is not None:
            headers = [*headers, *self._rates.headers(verdict)]
        origin = exchange.headers.get("origin") if scope.path.startswith("/api/") else None
        headers = headers + self._around.around(
            exchange.request_id, origin, tls=sender.scheme == "https", reply=reply
        )
        if reply.public or reply.immutable or reply.page:  # others vary by origin alone
            headers = one_vary(headers)
        self._close_if_leaving(headers)
        if reply.status != 304:
            headers.append(("Content-Type", reply.content_type))
        return headers

    def _close_if_leaving(self, headers: list[tuple[str, str]]) -> None:
        """Close the connection with this answer if the process is leaving; the client will open another."""
        if self._service.leaving and CLOSE not in headers:
            headers.append(CLOSE)

    def _sender(self, exchange: Exchange) -> Sender:
        """Return where a request comes from, according to the trusted proxies."""
        proxies = self._settings.trusted_proxies
        if not proxies:
            return DIRECT
        scheme = exchange.scope.scheme
        forwarded = {name: rsgi.joined(exchange.headers, name) or "" for name in (FORWARDED_PROTO, FORWARDED_PREFIX)}
        return sender_of(forwarded, proxies, None, scheme)

    # -- what is answered here --------------------------------------------------------------------------

    async def _book(self, exchange: Exchange, who: Identity) -> Reply:
        headers = exchange.headers
        rsgi.see_to_media(headers)
        asked = parse.booking_request(await self._bodies.read(exchange.headers, exchange.proto, self._max_body))
        given = who.user_id, rsgi.text(headers, "idempotency-key"), asked, exchange.request_id
        prefer = rsgi.joined(headers, "prefer") if "prefer" in headers else None
        if prefer and (wait_s := preferred_wait_s(prefer, self._settings.wait_cap_s)):
            work = partial(booked_at_once.book, self._service, *given, wait_s)
            return await rsgi.while_connected(exchange.proto, work)
        return await self._service.book(*given)

    async def _status(self, exchange: Exchange, who: Identity) -> Reply:
        booking_id = _booking_id(exchange)
        query, wait_s = exchange.scope.query_string, 0.0
        if query:
            match = _WAIT.fullmatch(query)
            wait_s = float(match[1]) if match else loaded_query_string(WAIT_QUERY, query)["wait"]
        if wait_s > 0:
            work = partial(self._service.wait, booking_id, who.user_id, min(wait_s, self._settings.wait_cap_s))
            seen = await rsgi.while_connected(exchange.proto, work)
        else:
            seen = await self._service.look(booking_id, who.user_id)
        return seen.reply(200).unless_known(rsgi.joined(exchange.headers, "if-none-match"))

    async def _confirm(self, exchange: Exchange, who: Identity) -> Reply:
        id_ = _booking_id(exchange)
        operation = Confirm(booking_id=id_, show_id=show_of(id_), user_id=who.user_id)
        return await self._service.change(operation, exchange.request_id)

    async def _extend(self, exchange: Exchange, who: Identity) -> Reply:
        id_ = _booking_id(exchange)
        operation = Extend(booking_id=id_, show_id=show_of(id_), user_id=who.user_id)
        return await self._service.change(operation, exchange.request_id)

    async def _cancel(self, exchange: Exchange, who: Identity) -> Reply:
        body = await self._bodies.read(exchange.headers, exchange.proto, self._max_body)
        if body:
            rsgi.see_to_media(exchange.headers)
        operation = parse.giving_back(body, _booking_id(exchange), who.user_id)
        return await self._service.change(operation, exchange.request_id)

    # -- what Flask answers -----------------------------------------------------------------------------

    async def _flask(self, scope: Any, proto: Any) -> None:
        """Read the body, then let Flask answer in a thread."""
        exchange = Exchange(FLASKS, scope, proto)
        headers = drop_ambiguous(scope.headers.items())
        try:
            body = await self._bodies.read(scope.headers, proto, self._limit(exchange))
            status, out, answer = await self._bridge.answer(scope, headers, body)
        except OnsaleError as error:
            self._send(exchange, problems.reply_of(error, exchange.request_id))
            return
        metrics.way("threads")
        self._close_if_leaving(out)
        if scope.method == "HEAD" or status in (204, 304):
            proto.response_empty(status, out)
        else:
            proto.response_bytes(status, [one for one in out if one[0] != "content-length"], answer)

    def _limit(self, exchange: Exchange) -> int:
        """Return the max bytes of a request's body. An administrator's plans and posters may be longer."""
        most = most_bytes(exchange.scope.path)
        if not most:
            return self._max_body
        try:
            who = self._verifier.identity(exchange.headers.get("authorization", ""))
        except OnsaleError:
            return self._max_body
        return most if who.role == "admin" else self._max_body


def _booking_id(exchange: Exchange) -> UUID:
    return UUID(exchange.scope.path[len(BOOKINGS) + 1 :][:36])
