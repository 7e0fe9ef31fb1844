"""Both pages open, in each language and appearance, and say what they are where scripts do not run."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitors import PHONE


@pytest.mark.parametrize("path", ["/", "/console"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_and_is_accessible(visit: Visit, path: str, scheme: str) -> None:
    visitor = visit(path, color_scheme=scheme)

    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    visitor.expect_accessible()


def test_a_page_speaks_the_browsers_language(visit: Visit) -> None:
    visitor = visit("/", locale="de-DE")

    expect(visitor.page.locator("html")).to_have_attribute("lang", "de")


def test_a_page_runs_from_right_to_left(visit: Visit) -> None:
    visitor = visit("/?lang=en-XB", viewport=PHONE)

    expect(visitor.page.locator("html")).to_have_attribute("dir", "rtl")
    width = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0


def test_without_scripts_a_page_says_what_is_missing(visit: Visit) -> None:
    visitor = visit("/", java_script_enabled=False)

    assert "needs JavaScript" in visitor.page.locator("body").inner_text()
