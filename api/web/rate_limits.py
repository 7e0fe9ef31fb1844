"""Rate limits: a token bucket per user, in the memory of each api process.

Each process counts separately, so a user whose requests reach N processes may send N times as many: the limit keeps
one account from monopolising a process, it is not a quota. Off with RATE_LIMIT_PER_S=0.

    Rates.spend(user_id)   count one request; takes under a microsecond, never blocks
    count(user_id)         the same for Flask's current request; raises TooManyRequests, and sets the headers
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple, cast
from uuid import UUID

from flask import Flask, Response, current_app, g

from api.web.errors import TooManyRequests
from core.operations import Book, BookingChange
from core.settings import Settings

#: Max users in one generation; two are kept. At about 200 bytes a user: at most 40 MB.
REMEMBERED = 100_000


class Allowed(NamedTuple):
    """Whether a request is allowed. `left`: tokens left.  `wait_s`: seconds until the next request is allowed."""

    allowed: bool
    left: int
    wait_s: float

    def refusal(self) -> TooManyRequests:
        """Return the error for a request that is not allowed."""
        return TooManyRequests(math.ceil(self.wait_s))


class Rates:
    """The buckets of one process, each stored as one number: when it will be full again (seconds, monotonic).

    A full bucket need not be stored, so forgetting an old one gives its user at most a full bucket.
    Without a lock, two threads of one user may both spend the last token; that is accepted.
    """

    def __init__(self, per_s: float, burst: int, *, remembered: int = REMEMBERED) -> None:
        self._each_s = 1 / per_s
        self._burst_s = burst / per_s
        self._remembered = remembered
        self._young: dict[UUID, float] = {}
        self._old: dict[UUID, float] = {}
        self.policy = f'"user";q={burst};w={math.ceil(burst / per_s)}'

    def spend(self, user_id: UUID) -> Allowed:
        """Spend one token of this user's bucket, if there is one. Repeat: spends another."""
        now = time.monotonic()
        young = self._young
        full_at = young.get(user_id) or self._old.get(user_id, now)
        spent_s = (full_at - now if full_at > now else 0.0) + self._each_s
        left_s = self._burst_s - spent_s
        if left_s < -1e-9:
            return Allowed(False, 0, -left_s)
        if len(young) >= self._remembered and user_id not in young:
            self._old, self._young = young, {}
            young = self._young
        young[user_id] = now + spent_s
        return Allowed(True, int(left_s / self._each_s + 1e-6), 0.0)

    def wait_s(self, user_id: UUID) -> float:
        """Return the seconds until this user's bucket has a token; 0 if it has one. Spends none."""
        full_at = self._young.get(user_id) or self._old.get(user_id, 0.0)
        wait_s = full_at - time.monotonic() + self._each_s - self._burst_s
        return wait_s if wait_s > 1e-9 else 0.0

    def headers(self, verdict: Allowed) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers) for a verdict.

        They say how many tokens are left, and in how many seconds there is another.
        """
        wait_s = math.ceil(self._each_s if verdict.allowed else verdict.wait_s)
        return ("RateLimit-Policy", self.policy), ("RateLimit", f'"user";r={verdict.left};t={wait_s}')


#: Operations that count against an allowance. Its name saves isinstance making the union each time.
Charged = Book | BookingChange


class Allowance:
    """Limits how many operations of one user this process accepts per hour, so that no account can fill the database:
    each operation is a row or two for ever (docs/operations.md has the calculation).

    A booking can be confirmed and cancelled once each, so twice as many of these are allowed as bookings.
    """

    def __init__(self, per_hour: int) -> None:
        """Args: per_hour: bookings per hour, which is also the burst; 0: no limit."""
        self._books = Rates(per_hour / 3600, per_hour) if per_hour else None
        self._changes = Rates(2 * per_hour / 3600, 2 * per_hour) if per_hour else None

    def wait_s(self, operation: Charged) -> float:
        """Return the seconds until an operation of this user may be accepted; 0 if it may now."""
        rates = self._of(operation)
        return rates.wait_s(operation.user_id) if rates else 0.0

    def count(self, operation: Charged) -> None:
        """Count an accepted operation."""
        rates = self._of(operation)
        if rates:
            rates.spend(operation.user_id)

    def _of(self, operation: Charged) -> Rates | None:
        return self._books if isinstance(operation, Book) else self._changes


def install(app: Flask, settings: Settings) -> Rates | None:
    """Install the application's buckets and the headers of its answers. Returns: the buckets; None if off."""
    if not settings.rate_limit_per_s:
        return None
    rates = app.extensions["onsale-rates"] = Rates(settings.rate_limit_per_s, settings.rate_limit_burst)
    app.after_request(_add_headers)
    return rates


def count(user_id: UUID) -> None:
    """Count the current request against this user's rate. Raises: TooManyRequests."""
    rates = cast(Rates | None, current_app.extensions.get("onsale-rates"))
    if rates is None:
        return
    verdict = g.verdict = rates.spend(user_id)
    if not verdict.allowed:
        raise verdict.refusal()


def _add_headers(response: Response) -> Response:
    """Add the RateLimit headers, if the request was counted."""
    verdict: Allowed | None = g.get("verdict")
    if verdict is not None:
        for name, value in cast(Rates, current_app.extensions["onsale-rates"]).headers(verdict):
            response.headers.add(name, value)
    return response
