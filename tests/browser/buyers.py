"""What buyers do in the storefront, for tests: sign in, choose seats by keyboard, hold the best ones."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from proof.kit.scenes import Site
from tests.browser.conftest import Visit
from tests.browser.visitors import Visitor

#: How often Tab is pressed on the way to something: more than any page here has stops.
STOPS = 80


class Buyer:
    """A visitor who is signed in, and the same account's access to the API."""

    def __init__(self, visit: Visit, site: Site, path: str, **options: Any) -> None:
        """Sign up, sign in on the page, and open a path. Args: options: of the browser's profile."""
        self.site = site
        self.email, self.token = site.buyer()
        self.visitor: Visitor = visit("/account/sign-in", **options)
        self.page: Page = self.visitor.page
        self.visitor.sign_in(self.email)
        expect(self.page.get_by_role("link", name="Account", exact=True)).to_be_visible()
        self.visitor.open(path)

    def bookings(self) -> list[dict[str, Any]]:
        """Return the account's bookings as the API lists them, newest first."""
        found = self.site.client.call("GET", "/api/auth/bookings", token=self.token)["bookings"]
        return list(found)

    def hold_best(self, quantity: int) -> None:
        """Ask for the best seats, and wait until the page says that they are held."""
        self.page.get_by_label("Seats", exact=True).select_option(str(quantity))
        self.page.get_by_role("button", name="Hold the best seats").click()
        self.expect_heading("Your seats are held")

    def choose(self, seat: str) -> None:
        """Choose a seat in the grid, as a screen reader does."""
        self.seat(seat).dispatch_event("click")
        expect(self.page.get_by_role("button", name=f"Remove seat {seat}")).to_be_visible()

    def seat(self, seat: str) -> Locator:
        """Return a seat of the grid."""
        return self.page.locator(f'[role="gridcell"][data-seat="{seat}"]')

    def expect_heading(self, title: str) -> None:
        """Expect the page's heading, in time for a hold of some seconds to lapse."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title, timeout=20_000)

    def expect_no_sideways_scrolling(self) -> None:
        """Expect that the page is no wider than its window."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(width) == 0, self.page.url


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(STOPS):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


#: A hold of two minutes, moments after it was made.
NEARLY_TWO_MINUTES = re.compile(r"^(2:00|1:[0-5]\d)$")
