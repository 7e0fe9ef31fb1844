"""The operators' console: signing in, and the first screen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitors import ADMIN, PASSWORD, PHONE, Site, Visitor


def enter(visitor: Visitor, email: str = ADMIN) -> Page:
    """Sign in on the console's own page."""
    page = visitor.page
    page.get_by_label(re.compile("Email|E-Mail")).fill(email)
    page.get_by_label(re.compile("Password|Passwort")).fill(PASSWORD)
    page.get_by_role("button", name=re.compile("Sign in|Anmelden")).click()
    return page


def test_the_first_screen_says_that_all_is_well_and_draws_the_last_hour(visit: Visit) -> None:
    visitor = visit("/console")
    page = enter(visitor)

    expect(page.get_by_label("Verdict")).to_contain_text("All well")
    expect(page.locator(".plot canvas")).to_have_count(3)
    for title in ("Lanes", "Workers", "Stores", "Shows"):
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    visitor.expect_accessible()
    page.get_by_role("button", name="As a table").first.click()
    expect(page.get_by_role("columnheader", name="Decided per second").first).to_be_visible()


def test_a_reload_shows_the_samples_of_before(visit: Visit) -> None:
    page = enter(visit("/console"))
    expect(page.locator(".plot canvas").first).to_be_visible()

    page.reload()

    expect(page.locator(".plot canvas")).to_have_count(3)
    expect(page.get_by_text(re.compile("Waiting requests: now"))).to_be_visible()


def test_pausing_stops_the_requests_and_says_that_the_figures_are_old(visit: Visit) -> None:
    page = enter(visit("/console"))
    expect(page.get_by_label("Verdict")).to_contain_text("All well")

    page.get_by_role("button", name="Pause updates").click()

    expect(page.get_by_label("Verdict")).to_contain_text("paused")
    page.get_by_role("button", name="Resume updates").click()
    with page.expect_response(lambda answer: "/api/admin/lanes" in answer.url):
        expect(page.get_by_label("Verdict")).to_contain_text("All well")


def test_the_first_screen_fits_a_phone_in_german(visit: Visit) -> None:
    page = enter(visit("/console", viewport=PHONE, locale="de-DE", color_scheme="dark"))

    expect(page.get_by_label("Urteil")).to_contain_text("Alles in Ordnung")
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0


def test_a_buyer_is_told_that_the_console_is_for_operators(visit: Visit, site: Site) -> None:
    email, _ = site.buyer()

    page = enter(visit("/console"), email)

    expect(page.get_by_role("heading", name="This page is for operators")).to_be_visible()


def test_question_mark_lists_the_keys(visit: Visit) -> None:
    page = enter(visit("/console"))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.keyboard.press("?")

    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
