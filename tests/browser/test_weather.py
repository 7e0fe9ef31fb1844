"""Booking in bad weather: reloads, a dead network, lost answers, a wrong clock. Nothing is lost, nothing double."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from proof.kit.scenes import Site
from tests.browser.buyers import NEARLY_TWO_MINUTES, Buyer
from tests.browser.conftest import Visit

#: The reader's clock is ten minutes fast. The steady clock of the page (performance.now) is not touched.
FAST_CLOCK = """
    const RealDate = Date;
    globalThis.Date = class extends RealDate {
      constructor(...given) { given.length ? super(...given) : super(RealDate.now() + 600_000); }
      static now() { return RealDate.now() + 600_000; }
    };
"""


@pytest.fixture(scope="module")
def show(site: Site) -> int:
    """A show with seats enough for all tests here, whose holds last two minutes."""
    return site.show(rows=6, seats=10, hold_s=120)


def test_a_reload_in_the_middle_finds_the_booking(visit: Visit, site: Site, show: int) -> None:
    buyer = Buyer(visit, site, f"/shows/{show}")
    buyer.hold_best(2)

    buyer.page.reload()

    buyer.expect_heading("Your seats are held")
    expect(buyer.page.get_by_role("timer")).to_have_text(NEARLY_TWO_MINUTES)
    buyer.page.get_by_role("button", name="Confirm for").click()
    buyer.expect_heading("Booked")
    buyer.page.reload()
    buyer.expect_heading("Booked")
    assert [each["status"] for each in buyer.bookings()] == ["CONFIRMED"]


def test_a_request_whose_answer_was_lost_becomes_one_booking(visit: Visit, site: Site, show: int) -> None:
    buyer = Buyer(visit, site, f"/shows/{show}")

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        assert route.fetch().status == 202
        return route.abort("connectionreset")

    buyer.page.route("**/api/bookings", lose_the_answer)
    buyer.page.get_by_role("button", name="Hold the best seats").click()
    expect(buyer.page.get_by_text("The server does not answer.")).to_be_visible()
    buyer.page.unroute("**/api/bookings")

    buyer.page.reload()

    buyer.expect_heading("Your seats are held")
    assert [each["stage"] for each in buyer.bookings()] == ["HELD"]


def test_a_confirmation_without_a_network_is_repeated_once_it_is_back(visit: Visit, site: Site, show: int) -> None:
    buyer = Buyer(visit, site, f"/shows/{show}")
    buyer.hold_best(2)

    buyer.visitor.context.set_offline(True)
    buyer.page.get_by_role("button", name="Confirm for").click()
    expect(buyer.page.get_by_role("button", name="Try again")).to_be_visible()
    buyer.expect_heading("Your seats are held")
    buyer.visitor.context.set_offline(False)
    buyer.page.get_by_role("button", name="Try again").click()

    buyer.expect_heading("Booked")
    assert [each["status"] for each in buyer.bookings()] == ["CONFIRMED"]


def test_a_clock_ten_minutes_fast_changes_no_timer(visit: Visit, site: Site, show: int) -> None:
    buyer = Buyer(visit, site, "/")
    buyer.visitor.context.add_init_script(FAST_CLOCK)
    buyer.visitor.open(f"/shows/{show}")
    assert buyer.page.evaluate("Date.now() - performance.timeOrigin - performance.now()") > 500_000

    buyer.hold_best(1)

    expect(buyer.page.get_by_role("timer")).to_have_text(NEARLY_TWO_MINUTES)
    buyer.page.get_by_role("button", name="Confirm for").click()
    buyer.expect_heading("Booked")
