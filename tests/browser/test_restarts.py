"""Processes of the system are killed while a page waits in line. It goes on by itself; nothing is double."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from proof.kit.scenes import Site
from proof.kit.system import START_DEADLINE_S, Up
from tests.browser.buyers import Buyer
from tests.browser.conftest import Visit


@pytest.fixture
def stopped_workers(up: Up) -> Iterator[list[int]]:
    """The processes of all workers, stopped: bookings wait in line. At the end the system is complete again."""
    groups = up.pids()
    pids = [pid for name, pids in groups.items() if name.startswith("worker-") for pid in pids]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield pids
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue
    up.wait(up.complete, START_DEADLINE_S)


def test_a_page_in_line_outlives_the_kill_of_api_and_workers(
    visit: Visit, site: Site, up: Up, stopped_workers: list[int]
) -> None:
    show = site.show(rows=2, seats=6)
    buyer = Buyer(visit, site, f"/shows/{show}")
    page = buyer.page
    page.get_by_role("button", name="Hold the best seats").click()
    buyer.expect_heading("You are in line")
    expect(page.get_by_text("You may close this page: your place is kept")).to_be_visible()
    buyer.visitor.expect_accessible()

    for pid in [*up.pids()["api"], *stopped_workers]:
        os.kill(pid, signal.SIGKILL)
    expect(page.get_by_text("The connection is lost, and is tried again by itself.")).to_be_visible()

    held = page.get_by_role("heading", level=1, name="Your seats are held")
    expect(held).to_be_visible(timeout=START_DEADLINE_S * 1_000)
    expect(page.get_by_text("The connection is lost")).to_have_count(0)
    page.get_by_role("button", name="Confirm for").click()
    buyer.expect_heading("Booked")
    assert [(each["status"], len(each["seats"])) for each in buyer.bookings()] == [("CONFIRMED", 2)]
