"""The console's records: bookings, histories of seats, accounts, the audit log, parked operations."""

from __future__ import annotations

import itertools
import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from core.operations import Book, StreamId, dump
from db.postgres import journal
from db.postgres.engine import make_engine, transaction
from ops.up.running import find_running
from proof.kit.scenes import Site
from tests.browser.conftest import Visit
from tests.browser.test_console import enter
from tests.browser.visitors import PHONE, Visitor

_entries = itertools.count(1)


def administrator(visit: Visit, path: str, **options: object) -> Visitor:
    """A visitor who has signed in on the console, at the path."""
    visitor = visit(path, **options)
    enter(visitor)
    expect(visitor.page.get_by_role("navigation")).to_be_visible()
    return visitor


def booked(site: Site) -> tuple[str, int, dict[str, str]]:
    """A buyer's confirmed booking of A1: the buyer's address, the show, the booking."""
    email, token = site.buyer()
    show = site.show()
    return email, show, site.book(token, show, ["A1"])


def park(site: Site, payload: bytes) -> str:
    """Park an operation as a drain does that cannot read it; return its id."""
    number = next(_entries)
    engine = make_engine(find_running(site.up.home).database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            as_read = payload.decode("utf-8", "surrogateescape")
            journal.park(connection, 0, "records", StreamId(number, 0), as_read, "BadOperation: cannot be read")
    finally:
        engine.dispose()
    return f"0-records-{number}-0"


def search_booking(page: Page, wanted: str) -> None:
    page.get_by_label("Booking ID or reference").fill(wanted)
    page.get_by_role("button", name="Find").click()


@pytest.mark.parametrize("name", ["id", "reference"])
def test_a_booking_is_found_with_its_way_through_the_lane(visit: Visit, site: Site, name: str) -> None:
    _, _, booking = booked(site)
    visitor = administrator(visit, "/console/bookings")
    page = visitor.page

    search_booking(page, booking[name])

    expect(page.get_by_role("heading", name=booking["reference"])).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^BOOK: "))).to_be_visible()
    for step in ("Accepted", "Decided", "Recorded"):
        expect(page.locator(".record-steps").first.get_by_text(step)).to_be_visible()
    expect(page.locator(".record-steps").first.get_by_text(re.compile(r"after [\d.,]+ m?s"))).to_have_count(2)
    visitor.expect_accessible()


def test_a_booking_that_nobody_has_is_said_not_to_exist(visit: Visit) -> None:
    page = administrator(visit, "/console/bookings").page

    search_booking(page, "no-such-thing")

    expect(page.get_by_role("alert")).to_contain_text("no such booking")


def test_the_history_of_a_seat_leads_to_its_booking(visit: Visit, site: Site) -> None:
    _, show, booking = booked(site)
    visitor = administrator(visit, "/console/seats")
    page = visitor.page
    page.get_by_label("ID of the show").fill(str(show))
    page.get_by_label("Seat, such as B12").fill("A1")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("cell", name="still")).to_be_visible()
    visitor.expect_accessible()

    page.get_by_role("link", name=booking["reference"]).click()

    expect(page.get_by_role("heading", name="Booking", exact=True)).to_be_focused()
    expect(page.get_by_role("heading", name=booking["reference"])).to_be_visible()


def test_a_role_is_changed_after_a_confirmation_and_the_audit_log_says_so(visit: Visit, site: Site) -> None:
    email, _, booking = booked(site)
    visitor = administrator(visit, "/console/users")
    page = visitor.page
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=email).click()
    expect(page.get_by_role("link", name=booking["reference"])).to_be_visible()

    page.get_by_role("button", name="Make this account box office").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    account = page.url.rsplit("/", 1)[1]
    assert site.admin("GET", f"/api/admin/users/{account}")["user"]["role"] == "user"
    page.get_by_role("button", name="Make this account box office").click()
    page.get_by_role("dialog").get_by_role("button", name="Make this account box office").click()

    expect(page.get_by_role("status").filter(has_text="The server has changed the role: Box office")).to_be_visible()
    expect(page.get_by_role("button", name="Take the box office role away")).to_be_visible()
    assert site.admin("GET", f"/api/admin/users/{account}")["user"]["role"] == "box_office"
    visitor.expect_accessible()

    page.goto("/console/audit")
    page.get_by_label("Subject").fill(f"user {account}")
    page.get_by_role("button", name="Filter", exact=True).click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("user.role")
    expect(rows.nth(1).locator("del")).to_have_text("user")
    expect(rows.nth(1).locator("ins")).to_have_text("box_office")
    visitor.expect_accessible()


def test_the_box_office_sees_bookings_and_seats_only(visit: Visit, site: Site) -> None:
    email, _, booking = booked(site)
    [account] = site.admin("GET", f"/api/admin/users?email={email}")["users"]
    site.admin("PATCH", f"/api/admin/users/{account['id']}", {"role": "box_office"})
    visitor = visit(f"/console/bookings/{booking['id']}")
    page = enter(visitor, email)

    expect(page.get_by_role("heading", name=booking["reference"])).to_be_visible()
    links = page.get_by_role("navigation").get_by_role("link")
    expect(links.filter(has_text="Bookings")).to_have_count(1)
    expect(links.filter(has_text="Accounts")).to_have_count(0)
    page.goto("/console/audit")
    expect(page.get_by_role("heading", name="There is no such page.")).to_be_visible()


def test_the_audit_log_is_read_page_by_page(visit: Visit, site: Site) -> None:
    page_of_one = site.admin("GET", "/api/admin/audit?limit=1")
    assert page_of_one["acts"], "the shows of the demo were made by acts"
    for _ in range(51):
        site.admin("POST", "/api/movies", {"title": "A", "description": "B", "genre": "drama", "duration_min": 90})
    page = administrator(visit, "/console/audit?action=movie.create").page
    expect(page.get_by_role("row")).to_have_count(51)

    page.get_by_role("button", name="Load more").click()

    expect(page.get_by_role("row").nth(51)).to_be_visible()


def test_an_unreadable_operation_is_inspected_and_discarded(visit: Visit, site: Site) -> None:
    id_ = park(site, b"\xff not an operation")
    visitor = administrator(visit, "/console/parked")
    page = visitor.page
    page.get_by_role("link", name=id_).click()
    expect(page.get_by_text("not text (UTF-8)")).to_be_visible()
    expect(page.get_by_text("/yBub3QgYW4gb3BlcmF0aW9u")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    visitor.expect_accessible()

    page.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()

    expect(page.get_by_role("status").filter(has_text="Discarded.")).to_be_visible()
    expect(page.get_by_role("heading", name="Parked operation", exact=True)).to_be_focused()
    assert site.admin("GET", f"/api/admin/parked/{id_}")["resolution"] == "DISCARDED"
    page.get_by_role("link", name="All parked operations").click()
    expect(page.get_by_role("link", name=id_)).to_have_count(0)
    page.get_by_label("Which").select_option("any")
    expect(page.get_by_role("link", name=id_)).to_be_visible()


def test_a_request_for_seats_is_retried_as_a_new_booking(visit: Visit, site: Site) -> None:
    _, show, _ = booked(site)
    email, token = site.buyer()
    failed = site.book(token, show, ["A1"])
    assert failed["status"] == "FAILED"
    [account] = site.admin("GET", f"/api/admin/users?email={email}")["users"]
    operation = Book(
        booking_id=UUID(failed["id"]), show_id=show, user_id=UUID(account["id"]), fingerprint="a retry",
        seats=("A2",), rules=1,
    )  # fmt: skip
    id_ = park(site, dump(operation).encode())
    page = administrator(visit, f"/console/parked/{id_}").page

    page.get_by_role("button", name="Retry").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()

    expect(page.get_by_role("status").filter(has_text="Accepted again")).to_be_visible()
    new = site.admin("GET", f"/api/admin/parked/{id_}")["replaced_by"]
    page.get_by_role("link", name=new).click()
    expect(page.get_by_role("heading", name="Booking", exact=True)).to_be_focused()
    expect(page.get_by_label("Booking ID or reference")).to_have_value(new)


def test_the_audit_log_fits_a_phone_in_german(visit: Visit) -> None:
    visitor = administrator(visit, "/console/audit", viewport=PHONE, locale="de-DE", color_scheme="dark")

    expect(visitor.page.get_by_role("heading", name="Protokoll")).to_be_visible()
    expect(visitor.page.get_by_role("row").nth(1)).to_be_visible()
    width = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width == 0
    visitor.expect_accessible()
