"""The operators' console: signing in, the first screen, shows and the acts on them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from proof.kit.scenes import ADMIN, PASSWORD, Site
from proof.kit.waiting import until
from tests.browser.conftest import Visit
from tests.browser.visitors import PHONE, Visitor


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


def open_show(visit: Visit, show_id: int) -> Visitor:
    """Open a show's page as the administrator."""
    visitor = visit(f"/console/shows/{show_id}")
    expect(enter(visitor).get_by_role("heading", name="Settings")).to_be_visible()
    return visitor


def test_a_show_is_paused_and_resumed_after_a_question(visit: Visit, site: Site) -> None:
    show_id = site.show()
    visitor = open_show(visit, show_id)
    page = visitor.page
    visitor.expect_accessible()

    for name, state in (("Pause the sale", "PAUSED"), ("Resume the sale", "ON_SALE")):
        page.get_by_role("button", name=name).click()
        dialog = page.get_by_role("dialog", name=name)
        expect(dialog).to_contain_text("A Film of Number")
        dialog.get_by_role("button", name=name).click()
        expect(page.get_by_text("Decided: done.")).to_be_visible()
        assert site.admin("GET", f"/api/admin/shows/{show_id}")["show"]["state"] == state


def test_what_is_cancelled_in_the_question_is_not_done(visit: Visit, site: Site) -> None:
    show_id = site.show()
    page = open_show(visit, show_id).page

    page.get_by_role("button", name="Close and cancel all bookings").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.admin("GET", f"/api/admin/shows/{show_id}")["show"]["state"] == "ON_SALE"


def test_closing_cancels_the_bookings_where_that_was_chosen(visit: Visit, site: Site) -> None:
    show_id = site.show()
    _, token = site.buyer()
    booking = site.book(token, show_id, ["A1"])
    page = open_show(visit, show_id).page

    page.get_by_role("button", name="Close and cancel all bookings").click()
    expect(page.get_by_role("dialog")).to_contain_text("Seats held or sold now: 1")
    page.get_by_role("dialog").get_by_role("button", name="Close and cancel all bookings").click()

    expect(page.get_by_text("Decided: done.")).to_be_visible()
    assert booking["status"] == "CONFIRMED"

    def is_cancelled() -> bool:
        status = site.client.call("GET", f"/api/bookings/{booking['id']}", token=token)
        return bool(status["status"] == "CANCELLED")

    until(is_cancelled, what="The booking is cancelled")


def test_settings_send_what_differs_and_name_a_wrong_value(visit: Visit, site: Site) -> None:
    show_id = site.show(seats_per_user=6)
    page = open_show(visit, show_id).page

    page.get_by_label("Seats per buyer").fill("many")
    page.get_by_role("button", name="Change settings").click()
    expect(page.get_by_text("This is not a value that fits.")).to_be_visible()
    page.get_by_label("Seats per buyer").fill("4")
    page.get_by_label("Price of standard, EUR").fill("13.50")
    page.get_by_role("button", name="Change settings").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Seats per buyer: 6 → 4")
    dialog.get_by_role("button", name="Change settings").click()

    expect(page.get_by_text("Decided: done.")).to_be_visible()
    show = site.admin("GET", f"/api/admin/shows/{show_id}")["show"]
    assert (show["seats_per_user"], show["prices"]["standard"]) == (4, 1350)


def test_the_list_of_shows_is_filtered_by_name(visit: Visit, site: Site) -> None:
    site.show(name="A Night of Needles")
    page = enter(visit("/console/shows"))

    page.get_by_label("Part of the name").fill("needles")

    expect(page.get_by_role("link", name="A Night of Needles")).to_be_visible()
    expect(page.get_by_role("rowheader")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=needles"))


def test_the_cache_is_cleared_after_a_question(visit: Visit) -> None:
    page = enter(visit("/console"))

    page.get_by_role("button", name="Clear the cache").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear the cache").click()

    expect(page.get_by_text("The cache is empty.")).to_be_visible()


def test_the_number_of_workers_is_set_after_a_question(visit: Visit, site: Site) -> None:
    page = enter(visit("/console"))

    page.get_by_label("Workers, now 2").fill("3")
    page.get_by_role("button", name="Set the number of workers").click()
    expect(page.get_by_role("dialog")).to_contain_text("Workers from now on: 3")
    page.get_by_role("dialog").get_by_role("button", name="Set the number of workers").click()

    expect(page.get_by_label("Workers, now 3")).to_be_visible()
    site.admin("PUT", "/api/admin/workers/count", {"count": 2})
