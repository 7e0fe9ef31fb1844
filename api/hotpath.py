"""The hot path: the two requests of the hot minute, answered before Flask sees them.

Flask and Werkzeug around a view cost several times what accepting a booking does. So a POST of a booking and the
GET of a status that look as they usually do are read here, go to the same desk (desk.py), and are answered with the
same headers. Whatever is unusual about a request - a token that is not valid, a body that is not plain, another
media type - goes to Flask untouched, and is answered or refused there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import Any
from uuid import UUID

from api import desk, hooks, metrics, problems
from api.door import Door
from api.errors import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from api.rates import Rates, Verdict
from api.replies import JSON, Reply
from api.schemas import MAX_ID, MAX_SEATS_PER_BOOKING, SEAT_LABEL
from api.tokens import Identity, Verifier
from api.waiters import Waiters

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

BOOKINGS = "/api/bookings"
#: The rules of bookings.py that are answered here, as metrics name them.
POST_RULE, STATUS_RULE = BOOKINGS, BOOKINGS + "/<uuid:booking_id>"
_STATUS_PATH = re.compile(
    BOOKINGS + "/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.ASCII | re.IGNORECASE
)
_WAIT = re.compile(r"wait=([0-9]{1,2})", re.ASCII)
_LABEL = re.compile(SEAT_LABEL.removesuffix("$"), re.ASCII)
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_ALWAYS = [*hooks.SECURITY_HEADERS.items()]


class HotPath:
    """A WSGI application in front of Flask's."""

    def __init__(
        self,
        app: App,
        door: Door,
        verifier: Verifier,
        waiters: Waiters,
        rates: Rates | None,
        *,
        wait_cap_s: float,
        max_body: int,
    ) -> None:
        """Args: wait_cap_s: the longest `?wait=`.   max_body: bytes; longer ones are Flask's to refuse."""
        self._app = app
        self._door = door
        self._verifier = verifier
        self._waiters = waiters
        self._rates = rates
        self._wait_cap_s = wait_cap_s
        self._max_body = max_body

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith(BOOKINGS) and "HTTP_ORIGIN" not in environ:
            method = environ["REQUEST_METHOD"]
            if method == "POST" and path == BOOKINGS:
                return self._post(environ, start_response)
            if method == "GET" and (match := _STATUS_PATH.fullmatch(path)):
                return self._get(environ, start_response, match[1])
        return self._app(environ, start_response)

    def _post(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        who = self._who(environ)
        length = environ.get("CONTENT_LENGTH") or ""
        if who is None or environ.get("CONTENT_TYPE") != JSON or not length.isdigit() or int(length) > self._max_body:
            return self._app(environ, start_response)
        body: bytes = environ["wsgi.input"].read(int(length))
        asked = plain(body)
        if asked is None or len(body) != int(length):
            environ["wsgi.input"] = BytesIO(body)
            return self._app(environ, start_response)
        key = environ.get("HTTP_IDEMPOTENCY_KEY")

        def ask(request_id: str) -> Reply:
            return desk.ask(self._door, who.user_id, key, asked, request_id)

        return self._answer(POST_RULE, environ, start_response, started, who, ask)

    def _get(self, environ: Environ, start_response: StartResponse, id_: str) -> Iterable[bytes]:
        started = time.perf_counter()
        who, wait_s, query = self._who(environ), 0.0, environ.get("QUERY_STRING", "")
        if query:
            match = _WAIT.fullmatch(query)
            wait_s = min(float(match[1]), self._wait_cap_s) if match else -1.0
        if who is None or wait_s < 0 or "HTTP_IF_NONE_MATCH" in environ:
            return self._app(environ, start_response)
        booking_id = UUID(id_)

        def look(_request_id: str) -> Reply:
            return desk.look_and_wait(self._door, self._waiters, booking_id, who.user_id, wait_s).reply(200)

        return self._answer(STATUS_RULE, environ, start_response, started, who, look)

    def _who(self, environ: Environ) -> Identity | None:
        """Who asks; None if that is for Flask to refuse."""
        try:
            return self._verifier.identity(environ.get("HTTP_AUTHORIZATION", ""))
        except (TokenMissing, TokenInvalid, TokenExpired, TokenRevoked):
            return None

    def _answer(
        self,
        rule: str,
        environ: Environ,
        start_response: StartResponse,
        started: float,
        who: Identity,
        make: Callable[[str], Reply],
    ) -> Iterable[bytes]:
        """Make the reply and send it. As with Flask's handlers, every error is an answer."""
        request_id = hooks.request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        verdict: Verdict | None = self._rates.take(who.user_id) if self._rates else None
        try:
            if verdict and not verdict.allowed:
                raise verdict.refusal()
            reply = make(request_id)
        except Exception as error:  # noqa: BLE001 - it is logged there
            reply = problems.reply_of(error, request_id)
        body = reply.body.encode()
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(body))),
            *reply.headers,
            *(self._rates.headers(verdict) if self._rates and verdict else ()),
            ("X-Request-Id", request_id),
            *_ALWAYS,
        ]
        start_response(_STATUS_LINES[reply.status], headers)
        metrics.observe(rule, environ["REQUEST_METHOD"], reply.status, time.perf_counter() - started)
        return (body,)


def plain(body: bytes) -> dict[str, Any] | None:
    """A booking request as api/schemas.py BookingRequest would load it, if it plainly is one.

    None for everything else, valid or not: the schema decides. A test compares the two.
    """
    try:
        asked = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if type(asked) is not dict or type(show_id := asked.get("show_id")) is not int or not 0 < show_id <= MAX_ID:
        return None
    hold, seats, quantity = asked.setdefault("hold", False), asked.get("seats"), asked.get("quantity")
    if type(hold) is not bool or len(asked) != 3:
        return None
    if type(seats) is list:
        some = 0 < len(seats) <= MAX_SEATS_PER_BOOKING
        fits = some and all(map(_is_label, seats)) and len(set(seats)) == len(seats)
    else:
        fits = type(quantity) is int and 0 < quantity <= MAX_SEATS_PER_BOOKING
    return asked if fits else None


def _is_label(value: object) -> bool:
    return type(value) is str and _LABEL.fullmatch(value) is not None
