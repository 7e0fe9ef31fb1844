"""The people who send: accounts made as anybody makes one, and what gives schemathesis their tokens."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis.auths import AuthContext
from sqlalchemy import create_engine

from ops.up.running import Running
from proof.kit import sql

PASSWORD = "correct horse battery staple"
#: They end a session or an account, so each gets one of its own: the caller's token must live to the end.
ENDING = frozenset({"log_out", "log_out_everywhere", "delete_account", "change_password"})
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Stage:
    """A show on sale, and the bodies of requests for another hall, and for another show of the same."""

    show_id: int
    hall: dict[str, Any]
    show: dict[str, Any]


class Client:
    """What a good client does: JSON there and back."""

    def __init__(self, system: Running) -> None:
        self.system = system

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str = "") -> dict[str, Any]:
        """The answer's body. Raises: HTTPError."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.system.base_url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def sign_up(self) -> str:
        """A new account's access token."""
        entry = {"email": f"{uuid4()}@example.org", "password": PASSWORD}
        return str(self.ask("POST", "/api/auth/signup", entry)["access_token"])

    def administrator(self) -> str:
        """A new administrator's access token."""
        entry = {"email": f"{uuid4()}@example.org", "password": PASSWORD}
        self.ask("POST", "/api/auth/signup", entry)
        engine = create_engine(self.system.database_url)
        with engine.begin() as connection:
            connection.execute(sql.PROMOTE, {"email": entry["email"]})
        engine.dispose()
        return str(self.ask("POST", "/api/auth/login", entry)["access_token"])

    def stage(self, administrator: str) -> Stage:
        """A show of 1,000 seats in two categories, on sale now, with a movie and a hall of its own."""
        movie = self.ask("POST", "/api/movies", {"title": "A film", "duration_min": 90}, token=administrator)
        rows = [
            {"label": label, "blocks": [{"first": 1, "last": 100, "category": category}]}
            for label, category in zip("ABCDEFGHIJ", ["premium"] * 2 + ["standard"] * 8, strict=True)
        ]
        hall = {"name": "A hall", "plan": {"rows": rows}}
        show = {
            "movie_id": movie["id"],
            "hall_id": self.ask("POST", "/api/halls", hall, token=administrator)["id"],
            "starts_at": "2190-01-01T20:00:00Z",
            "prices": {"premium": 1_800, "standard": 1_200},
        }
        made = self.ask("POST", "/api/shows", {**show, "seats_per_user": 10_000}, token=administrator)
        return Stage(made["id"], hall, show)


@dataclass
class Tokens:
    """Gives a case the token of its caller, or of an account that may end."""

    client: Client
    token: str

    def get(self, case: schemathesis.Case[Any], _context: AuthContext) -> str:
        """The token for this case."""
        ending = case.operation.definition.raw["operationId"] in ENDING
        return self.client.sign_up() if ending else self.token

    def set(self, case: schemathesis.Case[Any], data: str, _context: AuthContext) -> None:
        """Write it into the case."""
        case.headers["Authorization"] = f"Bearer {data}"
