"""decide: the booking rule, on hand-made states."""

from __future__ import annotations

import pytest

from core import ids
from core.bookings import Outcome, Reason, Status
from core.decide import fail
from core.operations import Book, ChangeShow, Confirm, Entry, Expire, StreamId, dump
from core.shows import SaleState
from tests.support.lane import ALICE, BOB, HOLD, OPEN, SHOW, STARTS, Lane


def test_free_seats_are_sold_at_their_categories_prices() -> None:
    lane = Lane()

    booking = lane.book("A1", "B1")

    assert lane.status(booking) == (Status.CONFIRMED, None)
    assert lane.state.bookings[booking].amount_cents == 2500
    assert lane.counted() == (0, 2)


def test_one_taken_seat_fails_the_whole_booking() -> None:
    lane = Lane()
    lane.book("A2", user=BOB)

    booking = lane.book("A1", "A2")

    assert lane.status(booking) == (Status.FAILED, Reason.SEAT_TAKEN)
    assert lane.state.owners["A1"] is None


def test_a_repeated_book_decides_nothing() -> None:
    lane = Lane()
    lane.book("A1", key="same")
    before = lane.counted()

    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, SHOW, ALICE, "same"),
        show_id=SHOW, user_id=ALICE, fingerprint="other", seats=("A2",),
    )  # fmt: skip

    assert lane.take(operation) == []
    assert lane.counted() == before


def test_a_holds_deadline_is_counted_from_its_decision() -> None:
    lane = Lane()

    booking = lane.book("A1", hold=True)

    assert lane.status(booking) == (Status.PENDING, None)
    assert lane.state.bookings[booking].expires_ms == OPEN + HOLD
    assert lane.counted() == (1, 0)


def test_a_confirm_accepted_in_time_wins() -> None:
    lane = Lane()
    booking = lane.book("A1", hold=True)

    lane.now += HOLD - 1

    assert lane.confirm(booking).outcome is Outcome.CONFIRMED
    assert lane.counted() == (0, 1)


def test_a_confirm_accepted_at_the_deadline_is_late() -> None:
    lane = Lane()
    booking = lane.book("A1", hold=True)

    lane.now += HOLD
    decisions = lane.take(Confirm(booking_id=booking, show_id=SHOW, user_id=ALICE))

    assert [(d.part, d.outcome) for d in decisions] == [(1, Outcome.EXPIRED), (0, Outcome.REFUSED)]
    assert decisions[-1].reason is Reason.HOLD_EXPIRED
    assert lane.status(booking) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert lane.counted() == (0, 0)


def test_booking_a_lapsed_holds_seat_expires_the_hold_first() -> None:
    lane = Lane()
    held = lane.book("A1", "A2", hold=True, user=BOB)

    lane.now += HOLD
    booking = lane.book("A2", "A3")

    assert lane.status(held) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert lane.status(booking) == (Status.CONFIRMED, None)
    assert lane.state.owners["A1"] is None
    assert lane.counted() == (0, 2)


def test_a_live_holds_seat_is_taken() -> None:
    lane = Lane()
    lane.book("A1", hold=True, user=BOB)

    lane.now += HOLD - 1

    assert lane.status(lane.book("A1")) == (Status.FAILED, Reason.SEAT_TAKEN)


def test_lapsed_holds_count_as_free_for_best_available() -> None:
    lane = Lane(rows=1, seats=3)
    lane.book(quantity=3, hold=True, user=BOB)
    assert lane.status(lane.book(quantity=1)) == (Status.FAILED, Reason.SOLD_OUT)

    lane.now += HOLD

    assert lane.status(lane.book(quantity=3)) == (Status.CONFIRMED, None)


def test_the_limit_counts_all_seats_of_a_person_but_not_lapsed_ones() -> None:
    lane = Lane(seats_per_user=3)
    lane.book("A1", "A2", hold=True)
    assert lane.status(lane.book("A3", "A4")) == (Status.FAILED, Reason.LIMIT_REACHED)
    assert lane.status(lane.book("A3", "A4", user=BOB)) == (Status.CONFIRMED, None)

    lane.now += HOLD

    assert lane.status(lane.book("B1", "B2", "B3")) == (Status.CONFIRMED, None)


@pytest.mark.parametrize("at", [OPEN - 1, STARTS])
def test_outside_the_sales_window_nothing_is_sold(at: int) -> None:
    lane = Lane()
    lane.now = at

    assert lane.status(lane.book("A1")) == (Status.FAILED, Reason.SHOW_CLOSED)


def test_a_seat_or_category_that_the_hall_lacks() -> None:
    lane = Lane()

    assert lane.status(lane.book("Z9")) == (Status.FAILED, Reason.NO_SUCH_SEAT)
    assert lane.status(lane.book(quantity=1, category="royal")) == (Status.FAILED, Reason.NO_SUCH_CATEGORY)


def test_best_available_keeps_to_the_category() -> None:
    lane = Lane()

    booking = lane.book(quantity=2, category="standard")

    assert lane.state.bookings[booking].seats == ("B1", "B2")


def test_a_confirmed_booking_may_be_cancelled_until_the_show_starts() -> None:
    lane = Lane()
    early, late = lane.book("A1"), lane.book("A2")

    lane.now = STARTS - 1
    assert lane.cancel(early).outcome is Outcome.CANCELLED
    lane.now = STARTS
    refused = lane.cancel(late)

    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.SHOW_STARTED)
    assert lane.state.owners["A1"] is None
    assert lane.counted() == (0, 1)


def test_a_cancelled_bookings_seats_are_on_sale_at_once() -> None:
    lane = Lane()
    lane.cancel(lane.book("A1"))

    assert lane.status(lane.book("A1", user=BOB)) == (Status.CONFIRMED, None)


def test_repeated_operations_change_nothing() -> None:
    lane = Lane()
    booking = lane.book("A1", hold=True)
    lane.confirm(booking)

    assert lane.confirm(booking).outcome is Outcome.UNCHANGED
    assert lane.cancel(booking).outcome is Outcome.CANCELLED
    assert lane.cancel(booking).outcome is Outcome.UNCHANGED
    refused = lane.confirm(booking)

    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.ALREADY_FINAL)
    assert lane.status(booking) == (Status.CANCELLED, None)


def test_nobody_changes_anothers_booking() -> None:
    lane = Lane()
    booking = lane.book("A1", hold=True)

    refused = lane.confirm(booking, user=BOB)

    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.NO_SUCH_BOOKING)
    assert lane.status(booking) == (Status.PENDING, None)


def test_expire_takes_the_oldest_up_to_its_limit() -> None:
    lane = Lane()
    first = lane.book("A1", hold=True)
    lane.now += 1
    second = lane.book("A2", hold=True)
    live = None
    lane.now += 10
    live = lane.book("A3", hold=True)
    lane.now = OPEN + HOLD + 5

    lane.take(Expire(show_id=SHOW, limit=1))
    assert lane.status(first)[0] is Status.FAILED
    assert lane.status(second)[0] is Status.PENDING
    decisions = lane.take(Expire(show_id=SHOW, limit=5))

    assert [(d.part, d.outcome) for d in decisions] == [(1, Outcome.EXPIRED), (0, Outcome.DONE)]
    assert lane.status(second) == (Status.FAILED, Reason.HOLD_EXPIRED)
    assert lane.status(live) == (Status.PENDING, None)


def test_a_paused_show_sells_nothing_and_a_closed_one_never_opens_again() -> None:
    lane = Lane()
    lane.take(ChangeShow(show_id=SHOW, changes={"state": "PAUSED"}))
    assert lane.status(lane.book("A1")) == (Status.FAILED, Reason.SHOW_CLOSED)

    lane.take(ChangeShow(show_id=SHOW, changes={"state": "ON_SALE", "prices": {"standard": 1, "premium": 2}}))
    assert lane.state.bookings[lane.book("A1")].amount_cents == 2

    lane.take(ChangeShow(show_id=SHOW, changes={"state": "CLOSED"}))
    [refused] = lane.take(ChangeShow(show_id=SHOW, changes={"state": "ON_SALE"}))
    assert refused.outcome is Outcome.REFUSED
    assert lane.state.show.settings.state is SaleState.CLOSED


@pytest.mark.parametrize(
    "changes",
    [
        {"sales_open_ms": STARTS},
        {"sales_close_ms": OPEN},
        {"sales_close_ms": STARTS + 1},
        {"sales_open_ms": OPEN + 7, "sales_close_ms": OPEN + 7},
    ],
)
def test_a_change_that_leaves_no_sales_window_is_refused(changes: dict[str, int]) -> None:
    lane = Lane()
    settings = lane.state.show.settings

    [refused] = lane.take(ChangeShow(show_id=SHOW, changes=changes, keep_window=True))

    assert (refused.outcome, refused.reason, refused.changes) == (Outcome.REFUSED, Reason.SALES_WINDOW, {})
    assert lane.state.show.settings == settings
    assert not lane.state.settings_changed


def test_a_change_that_leaves_a_sales_window_is_made() -> None:
    lane = Lane()

    [done] = lane.take(ChangeShow(show_id=SHOW, changes={"sales_close_ms": STARTS - 1}, keep_window=True))

    assert done.outcome is Outcome.DONE
    assert lane.state.show.settings.sales_close_ms == STARTS - 1


def test_a_change_from_before_the_rule_of_the_window_is_decided_as_it_was() -> None:
    lane = Lane()

    [done] = lane.take(ChangeShow(show_id=SHOW, changes={"sales_close_ms": STARTS + 1}))

    assert done.outcome is Outcome.DONE
    assert lane.state.show.settings.sales_close_ms == STARTS + 1


def test_poison_fails_its_booking() -> None:
    lane = Lane()
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, SHOW, ALICE, "x"), show_id=SHOW, user_id=ALICE, fingerprint="f"
    )
    entry = Entry(StreamId(OPEN, 1), 0, dump(operation), operation)

    [decision], booking = fail(lane.state, entry, OPEN, Reason.INTERNAL)

    assert (decision.outcome, decision.reason) == (Outcome.FAILED, Reason.INTERNAL)
    assert booking is lane.state.bookings[operation.booking_id]
