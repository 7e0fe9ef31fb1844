"""Buyers book in a real browser: by keyboard, on a phone, in a fight for one seat, and when time runs out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from proof.kit.scenes import Site
from tests.browser.buyers import Buyer, tab_to
from tests.browser.conftest import Visit
from tests.browser.visitors import DESKTOP, PHONE


@pytest.fixture(scope="package")
def show(site: Site) -> int:
    """A show with seats enough for all tests here, whose holds last two minutes."""
    return site.show(rows=8, seats=12, hold_s=120)


@pytest.fixture(scope="package")
def contested(site: Site) -> int:
    """A show of one row, for two visitors who want the same seat of it."""
    return site.show(rows=1, seats=8, prices={"premium": 1_800})


def test_a_seat_is_booked_by_keyboard_alone(visit: Visit, site: Site, show: int) -> None:
    buyer = Buyer(visit, site, f"/shows/{show}")
    page = buyer.page

    tab_to(page, buyer.seat("A1"))
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(buyer.seat("B3")).to_be_focused()
    expect(buyer.seat("B3")).to_have_attribute("aria-selected", "true")
    expect(buyer.seat("B3")).to_have_accessible_name(re.compile(r"Row B, seat 3, standard, .*12\.00, chosen"))
    tab_to(page, page.get_by_role("button", name="Hold 1 seat"))
    page.keyboard.press("Enter")

    buyer.expect_heading("Your seats are held")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Confirm for"))
    page.keyboard.press("Enter")
    buyer.expect_heading("Booked")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert [(each["status"], each["seats"]) for each in buyer.bookings()] == [("CONFIRMED", ["B3"])]


@pytest.mark.parametrize(("scheme", "viewport"), [("light", DESKTOP), ("dark", PHONE)])
def test_the_best_seats_are_held_and_confirmed_on_accessible_pages(
    visit: Visit, site: Site, show: int, scheme: str, viewport: dict[str, int]
) -> None:
    buyer = Buyer(visit, site, f"/shows/{show}", color_scheme=scheme, viewport=viewport)
    page = buyer.page

    def expect_good(title: str | None = None) -> None:
        if title:
            buyer.expect_heading(title)
        buyer.expect_no_sideways_scrolling()
        buyer.visitor.expect_accessible()

    expect(page.get_by_role("button", name="Hold the best seats")).to_be_visible()
    expect(buyer.seat("A1")).to_be_attached()
    expect_good()
    buyer.choose("F1")
    expect_good()
    buyer.hold_best(3)
    assert "Booked" not in page.get_by_role("main").inner_text()
    expect_good()
    page.get_by_role("button", name="Confirm for").click()
    expect_good("Booked")
    reference = page.locator("dd.mono").inner_text()
    assert [each["reference"] for each in buyer.bookings()] == [reference]
    page.get_by_role("link", name="All my bookings").click()
    expect(page.get_by_text(reference)).to_be_visible()
    expect_good("My bookings")


@pytest.mark.parametrize(("scheme", "viewport"), [("dark", DESKTOP), ("light", PHONE)])
def test_signing_in_is_accessible(visit: Visit, scheme: str, viewport: dict[str, int]) -> None:
    visitor = visit("/account/sign-in", color_scheme=scheme, viewport=viewport)

    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    visitor.expect_accessible()


def test_of_two_who_want_a_seat_one_gets_it_and_the_other_is_told_and_offered_others(
    visit: Visit, site: Site, contested: int
) -> None:
    first, second = (Buyer(visit, site, f"/shows/{contested}") for _ in range(2))
    # The second buyer's map hears nothing more: otherwise it would take the seat out of the choice in time.
    second.choose("A4")
    second.visitor.context.route("**/api/shows/*/seats/state*", lambda route: route.abort())
    second.visitor.context.route("**/api/shows/*/events", lambda route: route.abort())
    second.page.reload()
    second.choose("A4")

    first.choose("A4")
    first.page.get_by_role("button", name="Hold 1 seat").click()
    first.expect_heading("Your seats are held")
    second.page.get_by_role("button", name="Hold 1 seat").click()

    expect(second.page.get_by_text("Somebody was faster: seat A4 has just gone.")).to_be_visible()
    second.visitor.expect_accessible()
    second.visitor.context.unroute_all()
    second.page.get_by_role("link", name="Choose the nearest seats").click()
    expect(second.page.get_by_role("button", name=re.compile("Remove seat A[35]"))).to_be_visible()
    second.page.go_back()
    second.page.get_by_role("button", name="Hold the best seat instead").click()
    second.expect_heading("Your seats are held")
    (won,) = first.bookings()
    held = [each for each in second.bookings() if each["stage"] == "HELD"]
    assert won["seats"] == ["A4"]
    assert [len(each["seats"]) for each in held] == [1]
    assert held[0]["seats"] != ["A4"]


def test_a_seat_that_somebody_takes_leaves_the_choice_and_is_named(visit: Visit, site: Site, contested: int) -> None:
    buyer = Buyer(visit, site, f"/shows/{contested}")
    buyer.choose("A8")

    _, other = site.buyer()
    site.book(other, contested, ["A8"])

    expect(buyer.page.get_by_text("Row A, seat 8 has just been taken.")).to_be_visible()
    expect(buyer.page.get_by_role("button", name="Remove seat A8")).to_have_count(0)
    expect(buyer.seat("A8")).to_have_accessible_name(re.compile("sold$"))


def test_a_hold_that_lapses_says_so_and_offers_the_same_seats(visit: Visit, site: Site) -> None:
    short = site.show(rows=1, seats=6, hold_s=6, prices={"premium": 1_800})
    buyer = Buyer(visit, site, f"/shows/{short}")
    buyer.choose("A2")

    buyer.page.get_by_role("button", name="Hold 1 seat").click()
    buyer.expect_heading("Your seats are held")

    buyer.expect_heading("It did not work out")
    expect(buyer.page.get_by_text("The time to confirm ran out")).to_be_visible()
    buyer.page.get_by_role("link", name="Try the same seats again").click()
    expect(buyer.page.get_by_role("button", name="Remove seat A2")).to_be_visible()
