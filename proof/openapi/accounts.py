"""The accounts that send, what they can book, and the tokens that schemathesis sends for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis.auths import AuthContext
from sqlalchemy import create_engine

from ops.up.running import RunningSystem
from proof.kit import sql
from proof.kit.client import Client
from proof.kit.shows import Catalogue, plan

PASSWORD = "correct horse battery staple"
#: Operations that end a session or an account. Each case of them gets a new account: the caller's must last.
ENDING = frozenset({"log_out", "log_out_everywhere", "delete_account", "change_password"})


@dataclass(frozen=True)
class Offer:
    """A show on sale, and the bodies of requests that create another hall, and another show in the same hall."""

    show_id: int
    hall: dict[str, Any]
    show: dict[str, Any]


def sign_up(client: Client) -> str:
    """Create an account; return its access token."""
    entry = {"email": f"{uuid4()}@example.org", "password": PASSWORD}
    return str(client.call("POST", "/api/auth/signup", entry)["access_token"])


def sign_up_administrator(client: Client, system: RunningSystem) -> str:
    """Create an administrator; return its access token."""
    entry = {"email": f"{uuid4()}@example.org", "password": PASSWORD}
    client.call("POST", "/api/auth/signup", entry)
    engine = create_engine(system.database_url)
    with engine.begin() as connection:
        connection.execute(sql.PROMOTE, {"email": entry["email"]})
    engine.dispose()
    return str(client.call("POST", "/api/auth/login", entry)["access_token"])


def make_offer(client: Client, administrator: str) -> Offer:
    """Create a show of 1,000 seats in two categories, on sale now, with a new movie and a new hall."""
    catalogue, rows = Catalogue(client, administrator), plan(10, 100, premium=2)
    show: dict[str, Any] = {
        "movie_id": catalogue.movie(),
        "hall_id": catalogue.hall(rows),
        "starts_at": "2190-01-01T20:00:00Z",
        "prices": {"premium": 1_800, "standard": 1_200},
    }
    show_id = catalogue.show(**show, seats_per_user=10_000)
    return Offer(show_id, {"name": "A hall", "plan": rows}, show)


@dataclass
class Tokens:
    """Gives each case the token of its caller, or of a new account if the case may end it."""

    client: Client
    token: str

    def get(self, case: schemathesis.Case[Any], _context: AuthContext) -> str:
        """Return the token for a case."""
        ending = case.operation.definition.raw["operationId"] in ENDING
        return sign_up(self.client) if ending else self.token

    def set(self, case: schemathesis.Case[Any], data: str, _context: AuthContext) -> None:
        """Put the token into the case."""
        case.headers["Authorization"] = f"Bearer {data}"
