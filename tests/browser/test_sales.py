"""A show that cannot be booked now says why and what to do: sold out, paused, not open yet."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from proof.kit.scenes import Site
from tests.browser.buyers import Buyer
from tests.browser.conftest import Visit

#: Of halls with one row, which is of this category.
PRICES = {"premium": 1_800}


@pytest.fixture(scope="module")
def full(site: Site) -> tuple[int, str, str]:
    """A show whose two seats are held: its id, the booking's, and the access token of its owner."""
    show = site.show(rows=1, seats=2, prices=PRICES, hold_s=600)
    _, token = site.buyer()
    held = site.book(token, show, ["A1", "A2"], hold=True)
    return show, str(held["id"]), token


def test_a_waiting_buyer_without_a_network_finds_seats_held_when_it_is_back(
    visit: Visit, site: Site, full: tuple[int, str, str]
) -> None:
    show, booking, owner = full
    buyer = Buyer(visit, site, f"/shows/{show}", color_scheme="dark")
    page = buyer.page
    expect(page.get_by_text("Join the waiting list: seats that are given back")).to_be_visible()
    buyer.visitor.expect_accessible()
    page.get_by_label("Seats", exact=True).select_option("1")
    page.get_by_role("button", name="Join the waiting list").click()
    buyer.expect_heading("You are on the waiting list")
    buyer.visitor.expect_accessible()

    buyer.visitor.context.set_offline(True)
    expect(page.get_by_text("There is no network.")).to_be_visible()
    site.client.call("DELETE", f"/api/bookings/{booking}", token=owner)
    buyer.expect_heading("You are on the waiting list")
    buyer.visitor.context.set_offline(False)

    buyer.expect_heading("Your seats are held")
    expect(page.get_by_text("There is no network.")).to_have_count(0)
    assert [each["stage"] for each in buyer.bookings()] == ["HELD"]


def test_sold_out_without_a_waiting_list_leads_elsewhere(visit: Visit, site: Site) -> None:
    show = site.show(rows=1, seats=2, prices=PRICES, waiting_list_max=0)
    _, token = site.buyer()
    site.book(token, show, ["A1", "A2"])

    visitor = visit(f"/shows/{show}")

    expect(visitor.page.get_by_text("All seats are held or sold.")).to_be_visible()
    visitor.expect_accessible()
    visitor.page.get_by_role("link", name="Other shows").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("What's on")


def test_a_paused_sale_says_so(visit: Visit, site: Site) -> None:
    show = site.show(rows=1, seats=2, prices=PRICES)
    site.admin("PATCH", f"/api/shows/{show}", {"state": "PAUSED"})

    visitor = visit(f"/shows/{show}")

    expect(visitor.page.get_by_text("The sale is paused at the moment.")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Hold")).to_have_count(0)
    visitor.expect_accessible()


def test_a_sale_that_opens_counts_down_and_opens_by_itself(visit: Visit, site: Site) -> None:
    opens = datetime.now(UTC) + timedelta(seconds=8)
    show = site.show(rows=1, seats=2, prices=PRICES, sales_open_at=opens.isoformat(timespec="seconds"))

    visitor = visit(f"/shows/{show}")

    expect(visitor.page.get_by_role("timer")).to_have_text(re.compile("^0:0[1-4]$"))
    expect(visitor.page.get_by_role("button", name="Hold the best seats")).to_be_visible()
