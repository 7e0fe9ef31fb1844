"""decide: several wishes in one request, seats together, price ranges, and expected amounts."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from core.bookings import Reason, Status
from core.errors import UnknownVersion, Unreadable
from core.operations import RULES, Book, dump, load
from core.wishes import Wish
from tests.support.lane import ALICE, BOB, SHOW, Lane

TWO = Wish(quantity=2)


def wishing(lane: Lane, *wishes: Wish, **more: object) -> UUID:
    return lane.book(wishes=wishes, rules=RULES, **more)


def got(lane: Lane, id_: UUID) -> tuple[tuple[str, ...], int | None, bool | None]:
    booking = lane.state.bookings[id_]
    return booking.seats, booking.wish_granted, booking.apart


def test_the_first_wish_that_can_be_granted_is() -> None:
    lane = Lane()
    lane.book("A1", user=BOB)

    second = wishing(lane, Wish(seats=("A1", "A2")), Wish(quantity=2, category="standard"), TWO)
    first = wishing(lane, Wish(seats=("A2", "A3")), TWO)

    assert got(lane, second) == (("B1", "B2"), 1, False)
    assert got(lane, first) == (("A2", "A3"), 0, False)
    assert lane.state.bookings[second].amount_cents == 2_000


def test_the_failure_has_the_reason_of_the_last_wish() -> None:
    lane = Lane(rows=1, seats=2)
    lane.book("A1", user=BOB)

    assert lane.status(wishing(lane, TWO, Wish(seats=("A1",)))) == (Status.FAILED, Reason.SEAT_TAKEN)
    assert lane.status(wishing(lane, Wish(seats=("A1",)), TWO)) == (Status.FAILED, Reason.SOLD_OUT)
    assert lane.status(wishing(lane, TWO, Wish(seats=("Z1",)))) == (Status.FAILED, Reason.NO_SUCH_SEAT)


def test_together_is_adjacent_or_not_at_all() -> None:
    lane = Lane(rows=1, seats=5)
    lane.book("A2", "A4", user=BOB)

    alone = wishing(lane, Wish(quantity=2, together=True))
    apart = wishing(lane, Wish(quantity=2, together=True), TWO)

    assert lane.status(alone) == (Status.FAILED, Reason.NOT_TOGETHER)
    assert got(lane, apart)[1:] == (1, True)
    assert lane.status(wishing(lane, Wish(quantity=2, together=True))) == (Status.FAILED, Reason.SOLD_OUT)


def test_a_price_range_is_that_of_each_seat() -> None:
    lane = Lane()

    cheap = wishing(lane, Wish(quantity=2, max_price_cents=1_400))
    dear = wishing(lane, Wish(quantity=2, min_price_cents=1_001))
    none = wishing(lane, Wish(quantity=2, min_price_cents=1_001, max_price_cents=1_499))

    assert {label[0] for label in got(lane, cheap)[0]} == {"B"}
    assert {label[0] for label in got(lane, dear)[0]} == {"A"}
    assert lane.status(none) == (Status.FAILED, Reason.SOLD_OUT)


def test_a_wish_within_the_limit_is_granted_after_one_beyond_it() -> None:
    lane = Lane(seats_per_user=3)
    lane.book("A1")

    booking = wishing(lane, Wish(quantity=3), TWO)

    assert got(lane, booking)[1] == 1
    assert lane.status(wishing(lane, Wish(quantity=3), TWO)) == (Status.FAILED, Reason.LIMIT_REACHED)


@pytest.mark.parametrize("expected", [0, 2_999, 3_001])
def test_another_amount_than_expected_is_never_charged_and_no_further_wish_is_tried(expected: int) -> None:
    lane = Lane()

    named = lane.book("A1", "A2", rules=RULES, expected_amount_cents=expected)
    wished = wishing(lane, Wish(seats=("A1", "A2"), expected_amount_cents=expected), TWO)

    for booking in (named, wished):
        assert lane.status(booking) == (Status.FAILED, Reason.PRICE_CHANGED)
        assert (lane.state.bookings[booking].amount_cents, got(lane, booking)[0]) == (0, ())
    assert lane.counted() == (0, 0)


def test_the_expected_amount_is_charged() -> None:
    lane = Lane()

    booking = lane.book("A1", "B1", rules=RULES, expected_amount_cents=2_500)
    free_of_charge = Lane(prices={"standard": 0, "premium": 0})
    gift = free_of_charge.book("A1", rules=RULES, expected_amount_cents=0)

    assert lane.status(booking) == (Status.CONFIRMED, None)
    assert free_of_charge.status(gift) == (Status.CONFIRMED, None)


def test_a_wish_that_cannot_be_granted_does_not_compare_its_amount() -> None:
    lane = Lane()
    lane.book("A1", user=BOB)

    booking = wishing(lane, Wish(seats=("A1",), expected_amount_cents=1), TWO)

    assert got(lane, booking)[1] == 1


def test_seats_named_apart_say_so_and_a_release_may_set_others_apart() -> None:
    lane = Lane()
    named = lane.book("A1", "A3", rules=RULES)
    three = lane.book("B1", "B2", "B3", rules=RULES)

    assert (got(lane, named)[2], got(lane, three)[2]) == (True, False)
    lane.release(three, "B2")
    assert got(lane, three)[2] is True


def test_a_book_of_older_rules_records_neither_wish_nor_distance() -> None:
    lane = Lane()

    assert got(lane, lane.book("A1", "A3")) == (("A1", "A3"), None, None)


def book(**more: object) -> Book:
    return Book(booking_id=UUID(int=SHOW << 96 | 1), show_id=SHOW, user_id=ALICE, fingerprint="f", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", [
    book(wishes=(Wish(seats=("A1",)), Wish(quantity=2, category="a", together=True, accessible=True,
                                           min_price_cents=5, max_price_cents=0, expected_amount_cents=0))),
    book(quantity=1, expected_amount_cents=0),
    book(seats=("A1",), expected_amount_cents=7, rules=1),
])  # fmt: skip
def test_wishes_are_written_and_read(operation: Book) -> None:
    assert load(dump(operation)) == operation


def test_an_unknown_field_or_edition_is_left_for_a_newer_worker() -> None:
    values = json.loads(dump(book(wishes=(TWO,))))
    values["wishes"][0]["near"] = "A1"
    with pytest.raises(UnknownVersion):
        load(json.dumps(values))
    with pytest.raises(UnknownVersion):
        load(dump(book(quantity=1, rules=RULES + 1)))


NO_WISHES = (
    {}, {"quantity": -1}, {"quantity": "2"}, {"seats": [1]}, {"quantity": 1, "together": 1},
    {"quantity": 1, "max_price_cents": -1}, {"quantity": 101}, 5, None,
)  # fmt: skip


@pytest.mark.parametrize("wish", NO_WISHES)
def test_what_is_no_wish_is_unreadable(wish: object) -> None:
    values = json.loads(dump(book(wishes=(TWO,))))
    values["wishes"] = [wish]
    with pytest.raises(Unreadable):
        load(json.dumps(values))
