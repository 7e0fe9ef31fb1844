"""The seat map: as a picture for the mouse and fingers, as a grid for keyboards and screen readers, and as a list."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from proof.kit.scenes import Site
from proof.kit.waiting import until
from tests.browser.conftest import Visit
from tests.browser.visitors import PHONE


def canvas(page: Page) -> Locator:
    """The picture, once it is drawn."""
    found = page.locator(".seatmap canvas[data-home]")
    expect(found).to_be_visible()
    return found


def cell(page: Page, label: str) -> Locator:
    return page.locator(f"[role=gridcell][data-seat='{label}']")


def expect_chosen(page: Page, label: str, chosen: bool) -> None:
    expect(cell(page, label)).to_have_attribute("aria-selected", "true" if chosen else "false")


def place_of(page: Page, words: str) -> tuple[float, float]:
    """Return where the picture has a seat, found as a person does: by pointing, until its name is shown."""
    box = canvas(page).bounding_box()
    assert box is not None
    shown = page.locator(".seatmap-pointed")
    for y in range(int(box["y"]) + 60, int(box["y"] + box["height"]), 16):
        for x in range(int(box["x"]) + 12, int(box["x"] + box["width"]), 24):
            page.mouse.move(x, y)
            if words in shown.inner_text():
                return x, y
    raise AssertionError(f"No place of the picture is {words!r}.")


def test_the_keyboard_walks_the_seats_and_chooses(visit: Visit, site: Site) -> None:
    page = visit(f"/shows/{site.show(rows=4, seats=10, seats_per_user=2)}").page
    canvas(page)
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "4")
    cell(page, "A1").focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(cell(page, "B2")).to_be_focused()
    expect(cell(page, "B2")).to_have_attribute("aria-label", "Row B, seat 2, standard, €12.00, available")
    page.keyboard.press("Enter")
    expect(cell(page, "B2")).to_have_attribute("aria-label", "Row B, seat 2, standard, €12.00, chosen")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Enter")

    expect_chosen(page, "B10", True)
    expect_chosen(page, "A1", False)
    expect(grid.locator("[tabindex='0']")).to_have_count(1)


def test_a_click_chooses_a_drag_does_not_and_a_bare_wheel_is_the_pages(visit: Visit, site: Site) -> None:
    page = visit(f"/shows/{site.show(rows=4, seats=10)}", viewport={"width": 1280, "height": 600}).page
    picture = canvas(page)
    x, y = place_of(page, "Row B, seat 5,")

    page.mouse.down()
    page.mouse.move(x + 60, y + 20, steps=5)
    page.mouse.up()
    expect_chosen(page, "B5", False)
    x, y = place_of(page, "Row B, seat 5,")
    page.mouse.click(x, y)
    expect_chosen(page, "B5", True)

    page.mouse.wheel(0, 120)
    until(lambda: page.evaluate("window.scrollY") > 50)
    expect(picture).to_have_attribute("data-home", "true")
    page.evaluate("window.scrollTo(0, 0)")
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    expect(picture).to_have_attribute("data-home", "false")
    page.get_by_role("button", name="Whole hall").click()
    expect(picture).to_have_attribute("data-home", "true")


def test_a_chosen_seat_that_somebody_else_gets_is_given_up_and_told(visit: Visit, site: Site) -> None:
    show = site.show(rows=2, seats=6)
    page = visit(f"/shows/{show}").page
    canvas(page)
    for label in ("A3", "A4"):
        cell(page, label).focus()
        page.keyboard.press("Enter")
        expect_chosen(page, label, True)

    _, token = site.buyer()
    assert site.book(token, show, ["A3"])["status"] == "CONFIRMED"

    expect(page.locator(".seatmap-news")).to_contain_text("Row A, seat 3 has just been taken")
    expect_chosen(page, "A3", False)
    expect_chosen(page, "A4", True)
    expect(cell(page, "A3")).to_have_attribute("aria-label", "Row A, seat 3, premium, €18.00, sold")
    page.keyboard.press("Control+Home")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".seatmap-news")).to_have_text("Row A, seat 3 is taken.")


def test_on_a_phone_a_tap_on_small_seats_zooms_and_the_next_one_chooses(visit: Visit, site: Site) -> None:
    page = visit(f"/shows/{site.show(rows=12, seats=40)}", viewport=PHONE, has_touch=True, is_mobile=True).page
    picture = canvas(page)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 + 4, box["y"] + box["height"] / 2 + 4

    page.touchscreen.tap(x, y)
    expect(picture).to_have_attribute("data-home", "false")
    expect(page.locator("[role=gridcell][aria-selected=true]")).to_have_count(0)
    page.touchscreen.tap(x, y)

    expect(page.locator("[role=gridcell][aria-selected=true]")).to_have_count(1)


def test_the_list_has_the_seats_of_long_rows_and_fits_a_phone(visit: Visit, site: Site) -> None:
    visitor = visit(f"/shows/{site.show(rows=24, seats=200)}", viewport=PHONE, color_scheme="dark")
    page = visitor.page
    canvas(page)

    page.get_by_role("button", name="List").click()
    assert page.locator("[role=gridcell]").count() <= 9 * 40
    page.get_by_label("Row", exact=True).select_option("T")
    page.get_by_role("button", name="Farther right").click()
    page.get_by_role("button", name="Farther right").click()
    page.get_by_role("button", name="Farther right").click()
    cell(page, "T200").click()

    expect_chosen(page, "T200", True)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0
    visitor.expect_accessible()


def test_the_map_is_accessible_and_named_in_german(visit: Visit, site: Site) -> None:
    visitor = visit(f"/shows/{site.show(rows=4, seats=10)}", locale="de-DE")
    canvas(visitor.page)

    expect(cell(visitor.page, "B1")).to_have_attribute("aria-label", "Reihe B, Platz 1, standard, 12,00\u00a0€, frei")
    visitor.expect_accessible()
