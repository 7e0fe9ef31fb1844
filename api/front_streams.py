"""The front's streams of server-sent events: who asks, what feeds them, and their headers.

They stay open on the event loop (api/server/event_streams.py), and take no thread. Flask's views of the same
addresses answer with the first events alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from api.access.tokens import Identity, Verifier
from api.server import rsgi
from api.server.event_streams import serve
from api.server.rsgi import Exchange
from api.shapes.requests import MAX_ID
from api.web import metrics, problems
from api.web.backend import Backend
from api.web.rate_limits import Allowed, Rates
from api.web.reply import Reply
from api.web.streams import HEADERS, MEDIA_TYPE, Stream

SHOW_EVENTS = "/api/shows/<int:show_id>/events"
BOOKING_EVENTS = "/api/bookings/<uuid:booking_id>/events"
_PATH = re.compile(
    "/api/(?:shows/([1-9][0-9]{0,9})|bookings/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))/events",
    re.ASCII | re.IGNORECASE,
)

Headers = Callable[[Exchange, Reply, Allowed | None], list[tuple[str, str]]]
Send = Callable[[Exchange, Reply, Allowed | None], object]
Feed = Callable[[Identity, str | None, Stream], Awaitable[None]]


class FrontStreams:
    """Answers requests for events."""

    def __init__(
        self, backend: Backend, verifier: Verifier, rates: Rates | None, headers: Headers, send: Send
    ) -> None:
        """Args: headers: those of an answer.   send: sends a reply that is no stream."""
        self._backend = backend
        self._verifier = verifier
        self._rates = rates
        self._headers = headers
        self._send = send

    def answer(self, scope: Any, proto: Any) -> Awaitable[None] | None:
        """Answer a GET with a stream, or with a problem; None if it is none of these addresses."""
        match = _PATH.fullmatch(scope.path)
        if match is None or (match[1] and int(match[1]) > MAX_ID):
            return None
        backend = self._backend
        if match[1]:
            show_id = int(match[1])
            return self._stream(
                Exchange(SHOW_EVENTS, scope, proto),
                lambda _who, last_id, stream: backend.show_events.feed(show_id, last_id, stream),
            )
        booking_id = UUID(match[2])
        return self._stream(
            Exchange(BOOKING_EVENTS, scope, proto),
            lambda who, last_id, stream: backend.booking_events.feed(booking_id, who.user_id, last_id, stream),
        )

    async def _stream(self, exchange: Exchange, feed: Feed) -> None:
        token, streams = exchange.headers.get("authorization", ""), self._backend.streams
        last_id = rsgi.text(exchange.headers, "last-event-id")
        verdict: Allowed | None = None

        def begin() -> Any:
            metrics.way("fast")
            metrics.observe(exchange.rule, "GET", 200, time.perf_counter() - exchange.started)
            reply = Reply(200, "", list(HEADERS), MEDIA_TYPE)
            return exchange.proto.response_stream(200, self._headers(exchange, reply, verdict))

        error: Exception | None
        try:
            who = self._verifier.identity(token)
            if self._rates is not None and not (verdict := self._rates.spend(who.user_id)).allowed:
                raise verdict.refusal()
            stream = streams.open(who.user_id, partial(self._verifier.identity, token))
        except Exception as refused:  # noqa: BLE001 - it is logged there
            error = refused
        else:
            error = await serve(streams, stream, partial(feed, who, last_id), exchange.proto, begin)
        if error is not None:
            self._send(exchange, problems.reply_of(error, exchange.request_id), verdict)
