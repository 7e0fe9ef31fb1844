"""Accounts in the pages: signing up, staying signed in, two tabs, signing out everywhere, the second factor."""

from __future__ import annotations

import re

import pyotp
from playwright.sync_api import BrowserContext, Page, expect

from proof.kit.scenes import PASSWORD, Site
from tests.browser.conftest import Visit
from tests.browser.visitors import Visitor


def signed_in(visit: Visit, site: Site) -> Visitor:
    email, _ = site.buyer()
    visitor = visit("/")
    visitor.sign_in(email)
    expect(visitor.page.get_by_role("link", name="Account")).to_be_visible()
    return visitor


def another_tab(visitor: Visitor, path: str) -> Page:
    context: BrowserContext = visitor.context
    tab = context.new_page()
    tab.goto(path)
    return tab


def test_signing_up_signs_in_and_a_reload_keeps_it(visit: Visit) -> None:
    visitor = visit("/account/sign-in")
    page = visitor.page
    page.get_by_role("button", name="I have no account yet").click()
    page.get_by_label("Name").fill("Robin Example")
    page.get_by_label("Email").fill(f"robin-{id(page)}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page).to_have_url(re.compile("/bookings$"))
    page.reload()
    expect(page.get_by_role("link", name="Account")).to_be_visible()
    stored = page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie")
    assert "eyJ" not in stored  # no token
    assert [each["httpOnly"] for each in visitor.context.cookies()] == [True]


def test_a_wrong_password_says_so(visit: Visit, site: Site) -> None:
    email, _ = site.buyer()
    visitor = visit("/")
    visitor.sign_in(email, "not this one")

    expect(visitor.page.get_by_role("alert")).to_contain_text("wrong")


def test_signing_out_in_one_tab_signs_out_the_other(visit: Visit, site: Site) -> None:
    visitor = signed_in(visit, site)
    other = another_tab(visitor, "/account")
    expect(other.get_by_role("heading", name="Account", exact=True)).to_be_visible()

    visitor.page.goto("/account")
    visitor.page.get_by_role("button", name="Sign out", exact=True).click()

    expect(other.get_by_role("link", name="Sign in")).to_be_visible()


def test_two_tabs_that_load_at_once_keep_the_session(visit: Visit, site: Site) -> None:
    """Each load refreshes with the same cookie, which may be used once."""
    visitor = signed_in(visit, site)
    tabs = [visitor.page, another_tab(visitor, "/bookings"), another_tab(visitor, "/account")]

    for _ in range(3):
        for tab in tabs:
            tab.evaluate("location.reload()")
        for tab in tabs:
            expect(tab.get_by_role("link", name="Account")).to_be_visible()


def test_signing_out_everywhere_ends_the_other_devices_session(visit: Visit, site: Site) -> None:
    email, _ = site.buyer()
    here, there = visit("/"), visit("/")
    for visitor in (here, there):
        visitor.sign_in(email)
        expect(visitor.page.get_by_role("link", name="Account")).to_be_visible()

    here.page.goto("/account")
    here.page.get_by_role("button", name="Sign out everywhere").click()
    expect(here.page.get_by_role("link", name="Sign in")).to_be_visible()

    there.page.reload()
    expect(there.page.get_by_role("link", name="Sign in")).to_be_visible()


def test_a_second_factor_is_set_up_and_asked_for(visit: Visit, site: Site) -> None:
    email, _ = site.buyer()
    visitor = visit("/")
    page = visitor.page
    visitor.sign_in(email)
    expect(page.get_by_role("link", name="Account")).to_be_visible()
    page.goto("/account/second-factor")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Set up a second factor").click()
    secret = page.locator("p.mono").inner_text()
    expect(page.get_by_alt_text("QR code")).to_have_attribute("src", re.compile("^data:image"))
    page.get_by_label("One-time code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("ul.mono li")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    visitor.expect_accessible()

    other = visit("/")
    other.sign_in(email)
    expect(other.page.get_by_label("One-time code")).to_be_visible()
    other.page.get_by_label("One-time code").fill(recovery)
    other.page.get_by_role("button", name="Sign in").last.click()
    expect(other.page.get_by_role("link", name="Account")).to_be_visible()
