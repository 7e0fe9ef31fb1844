"""A world: one transport on a separate database and Redis, its clients, and drains that are run by hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from db.postgres import movies, users
from db.postgres.engine import transaction
from ops.rush.tokens import mint
from tests.contract import wire
from tests.contract.wire import Address, Answer
from tests.support.stage import Stage

SECRET = "a secret of the contract, long enough for HS256"
#: The origin that may read answers; one trusted proxy is in front.
ORIGIN, PROXIES = "https://shop.example", 1
#: Log-ins per address and minute, and the burst per user: small enough to be used up in a test. A token
#: returns every 20 s, which is longer than any test.
LOGINS_PER_ADDRESS, BURST = 6, 40
PASSWORD = "correct horse battery"
LANES = 4
#: Requests that may wait at once: more than a test needs, and few enough to be used up in one.
WAITERS = 32

_addresses = itertools.count(1)


def environment(database_url: str, redis_url: str, broker_url: str) -> dict[str, str]:
    """Return the environment of a transport's process."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": broker_url,
        "JWT_SECRET": SECRET,
        "LANES": str(LANES),
        "LINGER_MS": "0",
        "WAITERS": str(WAITERS),
        "ONSALE_MODE": "local",
        "LOG_LEVEL": "ERROR",
        "CORS_ORIGIN": ORIGIN,
        "TRUSTED_PROXIES": str(PROXIES),
        "LOGINS_PER_ADDRESS": str(LOGINS_PER_ADDRESS),
        "RATE_LIMIT_PER_S": "0.05",
        "RATE_LIMIT_BURST": str(BURST),
    }


def address() -> str:
    """Return a new client address, as the proxy would report it."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass(slots=True)
class World:
    """Everything that a test of one transport needs."""

    transport: str
    address: Address
    stage: Stage
    _admin: UUID | None = field(default=None, init=False)
    _tokens: Iterator[int] = field(default_factory=itertools.count, init=False)

    def token(self, user_id: UUID | None = None, **more: Any) -> str:
        """Return an access token, by default of a new user without an account."""
        return mint(SECRET, str(user_id or uuid4()), **more)

    def admin_token(self) -> str:
        """Return an administrator's token; a new administrator is made before one's rate limit is used up."""
        if next(self._tokens) % 10 == 0:
            with transaction(self.stage.stores.engine) as connection:
                self._admin = users.insert_admin(connection, f"{uuid4().hex}@example.com", "no hash at all")
        return self.token(self._admin, role="admin")

    def ask(
        self, method: str, target: str, token: str = "", body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request as most clients do: JSON with its length, through the proxy, on a new connection."""
        lines = [("Connection", "close"), *(headers or {}).items()]
        if "X-Forwarded-For" not in (headers or {}):
            lines.append(("X-Forwarded-For", address()))
        if token:
            lines.append(("Authorization", f"Bearer {token}"))
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            lines += [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        return wire.ask(self.address, wire.head(method, target, *lines) + data, method)

    def book(self, show: int, token: str, *seats: str, key: str = "", **more: Any) -> dict[str, Any]:
        """Request seats; return the booking as it was accepted."""
        body = {"show_id": show, **({"seats": list(seats)} if seats else {}), **more}
        accepted = self.ask("POST", "/api/bookings", token, body, {"Idempotency-Key": key} if key else None)
        assert accepted.status == 202, accepted
        booking: dict[str, Any] = accepted.json
        return booking

    def booked(self, show: int, token: str, *seats: str, **more: Any) -> dict[str, Any]:
        """Request seats and drain; return the booking as it was decided."""
        booking = self.book(show, token, *seats, **more)
        self.stage.drain(show)
        decided: dict[str, Any] = self.ask("GET", f"/api/bookings/{booking['id']}", token).json
        assert decided["stage"] != "QUEUED", decided
        return decided

    def change(self, show: int, **changes: Any) -> str:
        """Change a show; return the change's id. It waits in the lane until it is drained."""
        accepted = self.ask("PATCH", f"/api/shows/{show}", self.admin_token(), changes)
        assert accepted.status == 202, accepted
        return str(accepted.json["id"])

    def account(self) -> dict[str, str]:
        """Create an account; return names for its address and the tokens of its first session."""
        email = f"{uuid4().hex}@example.com"
        opened = self.ask("POST", "/api/auth/signup", body={"email": email, "password": PASSWORD, "name": "Dora"})
        assert opened.status == 201, opened
        return {"email": email, "token": opened.json["access_token"], "refresh": opened.json["refresh_token"]}

    def movie(self, title: str = "") -> int:
        """Create a movie, by default with a unique title; return its id."""
        values = {"title": title or uuid4().hex, "description": "", "genre": "drama", "duration_min": 90}
        with transaction(self.stage.stores.engine) as connection:
            return movies.insert_movie(connection, values).id
