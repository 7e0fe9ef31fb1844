"""HTTP for buyers: one request at a time per slot of the gate, retried until there is an answer.

After a 5xx, a 429 or a lost answer the same request, with the same key, is sent again after Retry-After. Retries are
not limited here: the caller cancels at its deadline.
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

#: The gate's queues: first requests of buyers, and all others.
ARRIVING, INSIDE = 0, 1
#: Statuses after which the same request is sent again.
RETRIED = frozenset({429, 500, 502, 503, 504})
#: Problem codes that prove that nothing was accepted, by this attempt or an earlier one with the same key.
CERTAIN = frozenset({"lane_full", "show_full", "too_many_bookings"})
#: Problem codes that prove it of this attempt only; an earlier one may have been accepted.
NOT_DONE = frozenset({"redis_unavailable", "postgres_unavailable", "busy", "rate_limited", "http_429"})
#: Timeout of a request, seconds; a later answer counts as lost.
ANSWER_S = 15.0
#: Shortest and longest backoff after a lost answer, seconds; the longest also if an answer has no Retry-After.
BACKOFF_S = (0.05, 1.0)
#: Shortest pause before a retry or poll, seconds, whatever the server says.
PAUSE_S = 0.01


class Lost(OnsaleError):
    """The answer was lost: the network failed, the server closed the connection, or it was too slow."""

    code = "network"


@dataclass(slots=True)
class Call:
    """One request, with its attempts. Times are of the performance counter, in seconds."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    queue: int = INSIDE
    first_sent_at: float = 0.0
    attempts: int = 0
    #: An attempt may have been carried out although its answer was not seen.
    doubtful: bool = False
    #: Problem code of the last attempt that was retried.
    trouble: str = ""
    #: Booking ids in the Location of attempts that were retried (accept_unknown).
    named: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `body` is {} if it was not a JSON object; `at`: performance counter, seconds."""

    status: int
    body: dict[str, Any]
    at: float
    retry_after_s: float | None
    location: str | None

    @property
    def code(self) -> str:
        """The problem's code, or http_<status>."""
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
        """Return the URL of an absolute path that needs no quoting."""
        return URL(self._base + path, encoded=True)

    async def once(self, call: Call) -> Answer:
        """Send the request once. Raises Lost."""
        await self._gate.enter(call.queue)
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
            call.attempts += 1
        headers = response.headers
        return Answer(
            response.status,
            _object(raw),
            time.perf_counter(),
            _seconds(headers.get("Retry-After")),
            headers.get("Location"),
        )

    async def insist(self, call: Call) -> Answer:
        """Send the request until the answer's status is not in RETRIED, or until cancelled."""
        while True:
            try:
                answer = await self.once(call)
            except Lost:
                call.doubtful, call.trouble = True, Lost.code
                wait_s = min(BACKOFF_S[0] * 2 ** min(call.attempts, 10), BACKOFF_S[1])
            else:
                if answer.status not in RETRIED:
                    return answer
                call.trouble = answer.code
                call.doubtful = call.trouble not in CERTAIN and (call.doubtful or call.trouble not in NOT_DONE)
                if answer.location:
                    call.named.add(last_part(answer.location))
                wait_s = BACKOFF_S[1] if answer.retry_after_s is None else answer.retry_after_s
            self._tally.retried[call.trouble] += 1
            # Jitter of up to a quarter, so that requests refused together do not all retry together.
            await self.sleep(max(PAUSE_S, wait_s * (1 + random.random() / 4)))


def open_session(connections: int) -> aiohttp.ClientSession:
    """Open a session for at most `connections` connections, without cookies, proxies and unused headers."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S),
        skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
        headers={"Accept": "application/json"},
    )


def last_part(location: str) -> str:
    """Return the last segment of a Location's path: the id."""
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
