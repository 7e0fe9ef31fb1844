"""The site under test: its API for setting scenes, and visitors with browsers."""

from __future__ import annotations

import itertools
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from ops.up.running import find_running
from proof.kit.client import Client
from proof.kit.shows import plan
from proof.kit.system import Up

ADMIN, PASSWORD = "admin@onsale.example", "seats for everyone, twice"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: WCAG 2.2, levels A and AA, and all that they build on.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: What the browser itself logs about answers that a test provokes.
HARMLESS = ("Failed to load resource",)


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
        while status["status"] == "PENDING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not decided within 30 s: {status}")
            status = self.client.call("GET", f"/api/bookings/{status['id']}?wait=5", token=token)
        return status


class Visitor:
    """A browser profile with one page, and what went wrong in it."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        """Args: options: Playwright's for a context, to replace those of an English desktop."""
        defaults: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "base_url": site.url}
        self.site = site
        self.context = browser.new_context(**{**defaults, **options})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.trouble: list[str] = []
        #: Errors that a test provokes on purpose: texts of messages that are not counted.
        self.expected: list[str] = []
        self._host = urlsplit(site.url).netloc
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("console", self._note)
        self.page.on("request", self._see)

    def open(self, path: str) -> None:
        """Go to a path of the site."""
        self.page.goto(path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in on the account's page, and wait until the page has done so."""
        self.page.goto("/account/sign-in")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        with self.page.expect_response(lambda answer: answer.url.endswith("/api/auth/login")):
            self.page.get_by_role("button", name="Sign in").last.click()

    def expect_accessible(self, *, but: tuple[str, ...] = ()) -> None:
        """Expect that axe finds no violation of WCAG 2.2 AA. Args: but: rules left out."""
        self.page.evaluate(AXE.read_text())
        options = {"runOnly": {"type": "tag", "values": RULES}, "rules": {rule: {"enabled": False} for rule in but}}
        found = self.page.evaluate("(options) => axe.run(document, options)", options)["violations"]
        lines = [
            f"{each['id']} ({each['impact']}): {each['help']}\n    "
            + "\n    ".join(f"{node['html'][:160]} {node['failureSummary'][:200]}" for node in each["nodes"][:3])
            for each in found
        ]
        assert not found, f"{self.page.url}:\n" + "\n".join(lines)

    def expect_no_trouble(self) -> None:
        """Expect that no script failed, the policy refused nothing, and no other host was asked."""
        assert not self.trouble, "\n".join(self.trouble)

    def close(self) -> None:
        """Close the page and its profile."""
        self.context.close()

    def _note(self, message: ConsoleMessage) -> None:
        text = message.text
        if message.type == "error" and not any(each in text for each in (*HARMLESS, *self.expected)):
            self.trouble.append(f"console: {text}")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.trouble.append(f"another host: {request.url}")
