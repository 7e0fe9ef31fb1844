"""The rush's HTTP client: tokens like the api's, and retries with the same key until there is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ops.rush import client as http
from ops.rush.client import Answer, Call, Client, Lost, open_session
from ops.rush.figures import Tally
from ops.rush.gate import Gate
from ops.rush.tokens import mint

Reply = Callable[[web.Request], web.StreamResponse]


def status(code: int, body: object = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: web.json_response(body, status=code, headers=named)


def reset(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def cut_short(request: web.Request) -> web.StreamResponse:
    """Announce a longer body than is sent."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{")
    request.transport.close()
    return web.Response()


class Script:
    """A server that gives these replies in order; it records the client's waits and keys."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.keys: list[str | None] = []
        self.waits: list[float] = []
        self.tally = Tally(1)
        self.call: Call | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Idempotency-Key"))
        await request.read()
        return self.replies.pop(0)(request)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def run(self, work: Callable[[Client, Call], Awaitable[Answer]]) -> Answer:
        async def play() -> Answer:
            app = web.Application()
            app.router.add_route("*", "/{tail:.*}", self.handle)
            async with TestServer(app) as server, open_session(2) as session:
                client = Client(session, str(server.make_url("/")), Gate(2), self.tally, self.sleep)
                self.call = Call("POST", client.url("/api/bookings"), {"Idempotency-Key": "k"}, b"{}", http.ARRIVING)
                return await asyncio.wait_for(work(client, self.call), 10)

        return asyncio.run(play())

    def insist(self) -> Answer:
        return self.run(lambda client, call: client.insist(call))


def test_a_token_is_what_the_api_expects() -> None:
    claims = jwt.decode(
        mint("s" * 32, "6f7cf3c5-21f5-4c3b-a1ad-0e1f3bd9a0c6"),
        "s" * 32,
        algorithms=["HS256"],
        audience="onsale",
        issuer="onsale",
        options={"require": ["exp", "iat", "nbf", "sub", "jti"]},
    )

    assert claims["sub"] == "6f7cf3c5-21f5-4c3b-a1ad-0e1f3bd9a0c6"
    assert (claims["type"], claims["fresh"], claims["role"]) == ("access", False, "user")
    assert claims["exp"] > claims["iat"]


@pytest.mark.parametrize("trouble", [reset, cut_short])
def test_a_request_whose_answer_was_lost_is_repeated_with_the_same_key(trouble: Reply) -> None:
    script = Script(trouble, trouble, status(202, {"id": "b1"}))

    answer = script.insist()

    assert (answer.status, answer.body) == (202, {"id": "b1"})
    assert script.keys == ["k"] * 3
    assert script.tally.retried == {"network": 2}
    assert script.waits[0] < script.waits[1]


def test_a_request_to_a_busy_server_is_repeated_after_retry_after() -> None:
    busy = status(503, {"code": "lane_full"}, Retry_After="3")
    script = Script(busy, status(429, Retry_After="7"), status(503), status(202, {"id": "b1"}))

    script.insist()

    assert script.tally.retried == {"lane_full": 1, "http_429": 1, "http_503": 1}
    for wanted_s, waited in zip((3, 7, http.BACKOFF_S[1]), script.waits, strict=True):
        assert wanted_s <= waited <= wanted_s * 1.25


def test_a_retry_after_of_0_is_still_a_pause() -> None:
    script = Script(status(503, Retry_After="0"), status(200))

    script.insist()

    assert script.waits == [http.PAUSE_S]


@pytest.mark.parametrize(
    ("troubles", "doubtful"),
    [
        ((status(503, {"code": "lane_full"}),), False),
        ((status(503, {"code": "redis_unavailable"}),), False),
        ((status(503, {"code": "accept_unknown"}, Location="/api/bookings/b1"),), True),
        ((reset, status(503, {"code": "redis_unavailable"})), True),
        ((reset, status(503, {"code": "lane_full"})), False),
        ((status(500),), True),
    ],
)
def test_it_is_known_when_a_request_may_have_been_accepted(troubles: tuple[Reply, ...], doubtful: bool) -> None:
    script = Script(*troubles, status(409, {"code": "sold_out"}))

    answer = script.insist()

    assert answer.code == "sold_out"
    assert script.call is not None
    assert script.call.doubtful is doubtful


def test_the_booking_named_by_an_unknown_accept_is_remembered() -> None:
    script = Script(status(503, {"code": "accept_unknown"}, Location="http://x/api/bookings/b1"), status(202))

    script.insist()

    assert script.call is not None
    assert script.call.named == {"b1"}


def test_once_raises_lost_instead_of_retrying() -> None:
    script = Script(reset)

    with pytest.raises(Lost, match="POST /api/bookings"):
        script.run(lambda client, call: client.once(call))


def test_a_body_that_is_not_an_object_counts_as_empty() -> None:
    script = Script(lambda request: web.Response(text="<html>"))

    assert script.insist().body == {}
