"""HTTP for buyers: one request at a time per slot of the gate, and again until there is an answer.

A 503, 429 or lost answer is asked again with the same key after Retry-After. Nothing here ends the asking:
the caller's deadline does, by cancelling.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from core.errors import OnsaleError
from ops.rush.figures import Tally
from ops.rush.gate import Gate

Sleep = Callable[[float], Awaitable[None]]

ARRIVING, INSIDE = 0, 1
#: Statuses after which the same request is sent again.
AGAIN = frozenset({429, 500, 502, 503, 504})
#: Refusals that say for certain that nothing was accepted, now or at an earlier try of the same key.
CERTAIN = frozenset({"lane_full", "show_full", "too_many_bookings"})
#: Refusals of one try only: it was not carried out itself; an earlier one may have been.
NOT_DONE = frozenset({"redis_unavailable", "postgres_unavailable", "busy", "rate_limited", "http_429"})
#: An answer later than this, in seconds, counts as lost.
ANSWER_S = 15.0
#: Bounds of a wait before the next try, in seconds, where the server does not tell.
BACKOFF_S = (0.05, 1.0)
#: Never ask again sooner than this, in seconds, whatever the server says.
PAUSE_S = 0.01


class Lost(OnsaleError):
    """The answer was lost: the network failed, or the server closed the connection or was too slow."""

    code = "network"


@dataclass(slots=True)
class Call:
    """One request, which may take several tries. Times are of the monotonic clock, in seconds."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    line: int = INSIDE
    first_sent_at: float = 0.0
    tries: int = 0
    #: A try may have been carried out though its answer was not seen.
    doubtful: bool = False
    #: Why the last try was not the last.
    trouble: str = ""
    #: Booking ids that refused tries named (accept_unknown).
    named: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code and what came with it; `body` is {} if it was no JSON object."""

    status: int
    body: dict[str, Any]
    at: float
    retry_after_s: float | None
    location: str | None

    @property
    def code(self) -> str:
        """The problem's stable code, or http_<status>."""
        code = self.body.get("code")
        return code if isinstance(code, str) and code else f"http_{self.status}"


class Client:
    """The HTTP side of all buyers of one rush."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        gate: Gate,
        tally: Tally,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._gate = gate
        self._tally = tally
        self.sleep = sleep

    def url(self, path: str) -> URL:
        """The address of an absolute path that needs no quoting."""
        return URL(self._base + path, encoded=True)

    async def once(self, call: Call) -> Answer:
        """Send it once. Raises Lost."""
        await self._gate.enter(call.line)
        call.first_sent_at = call.first_sent_at or time.perf_counter()
        try:
            async with self._session.request(
                call.method, call.url, headers=call.headers, data=call.body, allow_redirects=False
            ) as response:
                raw = await response.read()
        except asyncio.CancelledError:
            call.doubtful = True
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(f"{call.method} {call.url.path}: {error!r}") from error
        finally:
            self._gate.leave()
            call.tries += 1
        headers = response.headers
        return Answer(
            response.status,
            _object(raw),
            time.perf_counter(),
            _seconds(headers.get("Retry-After")),
            headers.get("Location"),
        )

    async def insist(self, call: Call) -> Answer:
        """Send it until there is an answer that is not "later". Ends otherwise only by cancellation."""
        while True:
            try:
                answer = await self.once(call)
            except Lost:
                call.doubtful, call.trouble = True, Lost.code
                wait_s = min(BACKOFF_S[0] * 2 ** min(call.tries, 10), BACKOFF_S[1])
            else:
                if answer.status not in AGAIN:
                    return answer
                call.trouble = answer.code
                call.doubtful = call.trouble not in CERTAIN and (call.doubtful or call.trouble not in NOT_DONE)
                if answer.location:
                    call.named.add(last_part(answer.location))
                wait_s = BACKOFF_S[1] if answer.retry_after_s is None else answer.retry_after_s
            self._tally.retried[call.trouble] += 1
            # Up to a quarter more, or all that were turned away together would come back together.
            await self.sleep(max(PAUSE_S, wait_s * (1 + random.random() / 4)))


def open_session(connections: int) -> aiohttp.ClientSession:
    """A session for so many connections, without cookies, proxies and headers that nobody reads."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
        headers={"Accept": "application/json"},
    )


def last_part(location: str) -> str:
    """What stands behind the last slash of a Location: the id."""
    return location.partition("?")[0].rstrip("/").rpartition("/")[2]


def _object(raw: bytes) -> dict[str, Any]:
    try:
        read = json.loads(raw)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
