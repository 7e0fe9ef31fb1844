"""The storefront opens without a network: its service worker keeps the page and what was seen of the catalogue."""

from __future__ import annotations

from playwright.sync_api import expect

from proof.kit.scenes import Site
from tests.browser.conftest import Visit

KEPT = """async () => {
  await navigator.serviceWorker.ready;
  const names = await caches.keys();
  const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return keys.flat().map((request) => new URL(request.url).pathname);
}"""


def test_the_storefront_opens_offline_and_shows_what_it_has_seen(visit: Visit, site: Site) -> None:
    show = site.show(rows=2, seats=6)
    visitor = visit(f"/shows/{show}", service_workers="allow")
    page = visitor.page
    page.evaluate(KEPT)
    # Now that the service worker is in charge, it sees what the page asks for.
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.reload()
    expect(page.get_by_role("grid", name="Seat map")).to_be_attached()
    title = page.get_by_role("heading", level=1).inner_text()
    kept = page.evaluate(KEPT)
    assert f"/api/shows/{show}" in kept
    assert not [path for path in kept if "/seats" in path or "/auth" in path or "/bookings" in path]

    visitor.context.set_offline(True)
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_text("There is no network.")).to_be_visible()
    page.goto("/bookings")
    expect(page.get_by_role("heading", level=1)).to_have_text("My bookings")
    visitor.context.set_offline(False)
    page.goto(f"/shows/{show}")
    expect(page.get_by_text("There is no network.")).to_have_count(0)
    expect(page.get_by_role("grid", name="Seat map")).to_be_attached()


def test_the_console_is_not_kept(visit: Visit) -> None:
    visitor = visit("/", service_workers="allow")
    kept = visitor.page.evaluate(KEPT)

    assert "/" in kept
    assert not [path for path in kept if "console" in path]
