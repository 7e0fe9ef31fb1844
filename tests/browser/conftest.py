"""The pages in a real Chromium, on a real `onsale up` that all files of this folder share.

A test opens visitors: each is a browser profile of its own with one page. At the end of the test every visitor must
have kept to the rules: no error in a script, nothing that the content security policy refuses, no other host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api.pages import are_built
from proof.kit.chromium import NoBrowser, chromium
from proof.kit.scenes import ADMIN, PASSWORD, Site
from proof.kit.system import Up, running
from tests.browser.visitors import Visitor
from tests.support.seeded import plant_home

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser of all tests here. It ends with the folder: other tests use event loops of their own."""
    try:
        with chromium() as found:
            yield found
    except NoBrowser as error:
        pytest.skip(f"NO BROWSER, so the pages are not tested. {error}")


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running system with the demo's shows, and an administrator whose password is known."""
    if not are_built():
        pytest.skip("NO PAGES: web/ could not be built (make setup says why).")
    limits = {"LOGINS_PER_ADDRESS": "0", "RATE_LIMIT_PER_S": "0", "STREAMS_PER_USER": "100"}
    environment = {"ADMIN_EMAIL": ADMIN, "ADMIN_PASSWORD": PASSWORD, **limits}
    for up in running(tmp_path_factory.mktemp("pages"), environment):
        plant_home(up.home)
        up.start()
        up.wait(up.complete)
        yield up


@pytest.fixture(scope="package")
def site(up: Up) -> Iterator[Site]:
    """The system's API as an administrator and as any buyer."""
    site = Site(up)
    with site.client:
        yield site


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Return a function that opens a visitor: `visit("/shows/1", locale="de-DE", viewport=...)`."""
    visitors: list[Visitor] = []

    def open_visitor(path: str = "/", **options: Any) -> Visitor:
        visitor = Visitor(browser, site, **options)
        visitors.append(visitor)
        visitor.open(path)
        return visitor

    yield open_visitor
    for visitor in visitors:
        visitor.close()
    for visitor in visitors:
        visitor.expect_no_trouble()


@pytest.fixture
def page(visit: Visit) -> Page:
    """A visitor's page, on the storefront's first page."""
    return visit().page
