"""Visitors of the site under test, each with a browser profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from proof.kit.scenes import PASSWORD, Site

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: WCAG 2.2, levels A and AA, and all that they build on.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: What the browser itself logs about answers that a test provokes.
HARMLESS = ("Failed to load resource",)


class Visitor:
    """A browser profile with one page, and what went wrong in it."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        """Args: options: Playwright's for a context, to replace those of an English desktop."""
        defaults: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "base_url": site.url}
        # What a service worker sends, a test's routes do not see.
        defaults["service_workers"] = "block"
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
