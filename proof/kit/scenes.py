"""A running system's API for scenes: shows, buyers, bookings. For tests in a browser, and for pictures."""

from __future__ import annotations

import itertools
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.up.running import find_running
from proof.kit.client import Client
from proof.kit.shows import plan
from proof.kit.system import Up

ADMIN, PASSWORD = "admin@onsale.example", "seats for everyone, twice"


class Site:
    """The API of a running system, for scenes: shows, buyers, bookings."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.url = find_running(up.home).base_url
        self.client = Client(self.url)
        self._numbers = itertools.count(1)
        self._admin = ""

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call the API as the administrator. Raises: Refused."""
        if not self._admin:
            credentials = {"email": ADMIN, "password": PASSWORD}
            self._admin = self.client.call("POST", "/api/auth/login", credentials)["access_token"]
        return self.client.call(method, path, body, token=self._admin)

    def buyer(self) -> tuple[str, str]:
        """Sign up a new buyer, with PASSWORD; return the address and an access token."""
        email = f"buyer-{secrets.token_hex(6)}@example.com"
        answer = self.client.call(
            "POST", "/api/auth/signup", {"email": email, "password": PASSWORD, "name": "Robin Example"}
        )
        return email, answer["access_token"]

    def show(self, *, rows: int = 4, seats: int = 10, hall: dict[str, Any] | None = None, **settings: Any) -> int:
        """Create a hall, a movie and a show in ten days; return the show's id. Args: settings: the show's members."""
        number = next(self._numbers)
        made_hall = self.admin("POST", "/api/halls", {"name": f"Hall {number}", "plan": hall or plan(rows, seats, 1)})
        movie = {"title": f"A Film of Number {number}", "description": "Seats.", "genre": "drama", "duration_min": 95}
        made_movie = self.admin("POST", "/api/movies", movie)
        starts_at = (datetime.now(UTC) + timedelta(days=10)).isoformat(timespec="seconds")
        body = {
            "movie_id": made_movie["id"], "hall_id": made_hall["id"], "starts_at": starts_at,
            "prices": {"standard": 1_200, "premium": 1_800}, **settings,
        }  # fmt: skip
        return int(self.admin("POST", "/api/shows", body)["id"])

    def book(self, token: str, show_id: int, seats: list[str], **more: Any) -> dict[str, Any]:
        """Book seats as a buyer, and return its status once it is decided. Raises: Refused, TimeoutError."""
        body = {"show_id": show_id, "seats": seats, **more}
        status = self.client.call("POST", "/api/bookings", body, token=token, key=secrets.token_hex(8))
        deadline = time.monotonic() + 30
        while status["stage"] == "QUEUED":
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not decided within 30 s: {status}")
            status = self.client.call("GET", f"/api/bookings/{status['id']}?wait=5", token=token)
        return status
