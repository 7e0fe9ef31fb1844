"""`python -m proof.pictures`: starts a system of its own, sets scenes, and writes docs/pictures/*.png.

The place in line is real: workers are stopped for a moment, some hundred requests arrive, and one more in the page.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psutil
from playwright.sync_api import Browser, Page

from proof.kit.chromium import chromium
from proof.kit.scenes import ADMIN, PASSWORD, Site
from proof.kit.system import PROJECT, running

FOLDER = PROJECT / "docs" / "pictures"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "locale": "en-GB", "device_scale_factor": 2}
#: Requests ahead of the page's, and seats that are sold before.
AHEAD, SOLD = 240, 420


@click.command()
@click.option("--only", default="", help="Names of pictures, separated by commas.")
def main(only: str) -> None:
    """Take the pictures."""
    wanted = [name for name in only.split(",") if name] or list(PICTURES)
    FOLDER.mkdir(exist_ok=True)
    environment = {"ADMIN_EMAIL": ADMIN, "ADMIN_PASSWORD": PASSWORD, "LOGINS_PER_ADDRESS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        for up in running(Path(folder), environment):
            up.start()
            up.wait(up.complete)
            site = Site(up)
            with site.client, chromium() as browser:
                stage = Stage(site, browser)
                for name in wanted:
                    PICTURES[name](stage, FOLDER / f"{name}.png")
                    click.echo(f"docs/pictures/{name}.png")


class Stage:
    """A site with a show that is half sold, and the browser that looks at it."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.show_id = 3  # the demo's largest hall
        self.tokens = [site.buyer()[1] for _ in range(24)]
        self._sell()

    def _sell(self) -> None:
        """Sell pairs all over the hall, as a sale does."""
        layout = self.site.client.call("GET", "/api/halls/3/layout")
        rows = [row["label"] for row in layout["rows"]]
        pairs = [[f"{row}{first}", f"{row}{first + 1}"] for row in rows for first in range(1, 50, 2)]
        chosen = [pair for number, pair in enumerate(pairs) if number * 7 % 20 < SOLD * 20 // 1000]

        def sell(numbered: tuple[int, list[str]]) -> None:
            number, seats = numbered
            user = self.tokens[number % len(self.tokens)] if number % 24 else self.site.buyer()[1]
            body = {"show_id": self.show_id, "seats": seats}
            self.site.client.ask("POST", "/api/bookings", body, token=user, key=f"sold-{number}")

        self.site.admin("PATCH", f"/api/shows/{self.show_id}", {"seats_per_user": 100})
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(sell, enumerate(chosen)))

    @contextmanager
    def page(self, path: str, *, sign_in: bool = True, **options: Any) -> Iterator[Page]:
        """Open a page, signed in as a new buyer."""
        context = self.browser.new_context(base_url=self.site.url, **options)
        page = context.new_page()
        try:
            if sign_in:
                email, _ = self.site.buyer()
                signed_in(page, email)
            page.goto(path)
            yield page
        finally:
            context.close()


def signed_in(page: Page, email: str) -> None:
    """Sign in on the account's page."""
    page.goto("/account/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").last.click()
    page.get_by_role("link", name="Account").wait_for()


def _settled(page: Page) -> None:
    """Wait until the map has been drawn: two frames after its legend has numbers."""
    page.locator(".seatmap-legend").wait_for()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def programme(stage: Stage, path: Path) -> None:
    """The first page."""
    with stage.page("/", sign_in=False, **DESKTOP) as page:
        page.locator(".show-card h3").first.wait_for()
        page.screenshot(path=path)


def seat_map(stage: Stage, path: Path, **options: Any) -> None:
    """Choosing seats in a hall that is half sold."""
    with stage.page(f"/shows/{stage.show_id}", **{**DESKTOP, **options}) as page:
        _settled(page)
        for seat in ("B5", "B6"):
            page.locator(f'[data-seat="{seat}"]').dispatch_event("click")
        page.get_by_role("button", name="Whole hall").click()
        page.get_by_role("heading", level=1).click()
        _settled(page)
        page.screenshot(path=path)


def seat_map_dark(stage: Stage, path: Path) -> None:
    """The same in the dark."""
    seat_map(stage, path, color_scheme="dark")


def line(stage: Stage, path: Path) -> None:
    """The place in line, on a phone, with others ahead."""
    with stage.page(f"/shows/{stage.show_id}", **PHONE) as page:
        _settled(page)
        up = stage.site.up
        workers = [pid for name, pids in up.pids().items() if name.startswith("worker") for pid in pids]
        up.run("scale", "worker=0")
        up.wait(lambda: not any(psutil.pid_exists(pid) for pid in workers))

        def ask(number: int) -> None:
            body = {"show_id": stage.show_id, "quantity": 1}
            token = stage.tokens[number % len(stage.tokens)]
            stage.site.client.ask("POST", "/api/bookings", body, token=token, key=f"ahead-{path.stem}-{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(AHEAD)))
        page.get_by_role("button", name="Hold the best seats").click()
        page.locator(".line-number").wait_for()
        page.screenshot(path=path)
        up.run("scale", "worker=2")
        page.locator(".hold-clock").wait_for()


def hold(stage: Stage, path: Path) -> None:
    """Seats that are held, on a phone."""
    with stage.page(f"/shows/{stage.show_id}", **PHONE, color_scheme="dark") as page:
        _settled(page)
        page.get_by_role("button", name="Hold the best seats").click()
        page.locator(".hold-clock").wait_for()
        page.screenshot(path=path)


def console(stage: Stage, path: Path) -> None:
    """The console's first screen while 2,500 buyers want 1,000 seats."""
    with stage.page("/console", sign_in=False, **DESKTOP) as page, ThreadPoolExecutor(1) as crowd:
        page.get_by_label("Email").fill(ADMIN)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").last.click()
        page.get_by_role("heading", level=1).wait_for()
        rush = crowd.submit(stage.site.up.run, "rush", "--buyers", "2500", "--seats", "1000")
        while not rush.done():
            page.screenshot(path=path)
            page.wait_for_timeout(500)


Take = Callable[[Stage, Path], None]
PICTURES: dict[str, Take] = {
    "programme": programme,
    "seat-map": seat_map,
    "seat-map-dark": seat_map_dark,
    "hold": hold,
    "line": line,
    "console": console,
}
