"""decide: extending a hold, and giving back some of a booking's seats."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.bookings import Outcome, Reason, Status
from core.operations import ChangeShow
from tests.support.lane import ALICE, BOB, EXTENSION, HOLD, OPEN, SHOW, STARTS, Lane

DEARER = ChangeShow(show_id=SHOW, changes={"prices": {"standard": 9_000, "premium": 9_500}})


def kept(lane: Lane, id_: UUID) -> tuple[tuple[str, ...], int]:
    booking = lane.state.bookings[id_]
    return booking.seats, booking.amount_cents


def test_a_hold_is_extended_once_and_its_seats_stay_taken() -> None:
    lane = Lane()
    booking = lane.book("A1", hold=True)

    extended = lane.extend(booking)
    again = lane.extend(booking)

    assert (extended.outcome, extended.changes["expires_ms"]) == (Outcome.EXTENDED, OPEN + HOLD + EXTENSION)
    assert (again.outcome, again.changes["expires_ms"]) == (Outcome.UNCHANGED, OPEN + HOLD + EXTENSION)
    lane.now += HOLD + EXTENSION - 1
    assert lane.status(lane.book("A1", user=BOB)) == (Status.FAILED, Reason.SEAT_TAKEN)
    lane.now += 1
    assert lane.status(lane.book("A1", user=BOB)) == (Status.CONFIRMED, None)
    assert lane.status(booking) == (Status.FAILED, Reason.HOLD_EXPIRED)


def test_best_available_leaves_the_seats_of_an_extended_hold() -> None:
    lane = Lane(rows=1, seats=2)
    held = lane.book(quantity=2, hold=True)
    lane.extend(held)

    lane.now += HOLD + 1

    assert lane.status(lane.book(quantity=1, user=BOB)) == (Status.FAILED, Reason.SOLD_OUT)
    assert lane.confirm(held).outcome is Outcome.CONFIRMED


def test_a_show_without_extensions_refuses_them_and_the_hold_stays_as_it_was() -> None:
    lane = Lane(hold_extension_ms=0)
    booking = lane.book("A1", hold=True)

    refused = lane.extend(booking)

    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.EXTENSION_NOT_ALLOWED)
    assert lane.state.bookings[booking].expires_ms == OPEN + HOLD


def test_what_is_no_hold_any_more_is_not_extended() -> None:
    lane = Lane()
    lapsed, sold, given_back = lane.book("A1", hold=True), lane.book("A2"), lane.book("A3", hold=True)
    lane.cancel(given_back)

    assert [lane.extend(each).reason for each in (sold, given_back)] == [Reason.ALREADY_FINAL] * 2
    assert lane.extend(sold, user=BOB).reason is Reason.NO_SUCH_BOOKING
    lane.now += HOLD
    assert (lane.extend(lapsed).reason, lane.status(lapsed)[0]) == (Reason.HOLD_EXPIRED, Status.FAILED)
    assert lane.extend(lapsed).reason is Reason.HOLD_EXPIRED


@pytest.mark.parametrize("hold", [True, False])
def test_the_named_seats_go_at_their_own_price_and_the_rest_stays(hold: bool) -> None:
    lane = Lane()
    booking = lane.book("A1", "A2", "B1", hold=hold, rules=1)
    lane.take(DEARER)

    released = lane.release(booking, "A2", "B1")

    assert released.outcome is Outcome.RELEASED
    assert kept(lane, booking) == (("A1",), 1500)
    assert lane.state.bookings[booking].released == ("A2", "B1")
    assert lane.state.owners["A2"] is None
    assert lane.state.owners["A1"] == booking
    assert lane.counted() == ((1, 0) if hold else (0, 1))
    assert lane.status(lane.book("A2", "B1", user=BOB)) == (Status.CONFIRMED, None)


def test_a_repeated_release_changes_nothing_also_after_somebody_else_has_the_seat() -> None:
    lane = Lane()
    booking = lane.book("A1", "A2", rules=1)
    lane.release(booking, "A1")
    other = lane.book("A1", user=BOB)

    assert lane.release(booking, "A1").outcome is Outcome.UNCHANGED
    assert kept(lane, booking) == (("A2",), 1500)
    assert lane.state.owners["A1"] == other


def test_releasing_the_last_seats_cancels() -> None:
    lane = Lane()
    booking = lane.book("A1", "A2", rules=1)
    lane.release(booking, "A1")

    assert lane.release(booking, "A1", "A2").outcome is Outcome.CANCELLED
    assert lane.release(booking, "A2").outcome is Outcome.UNCHANGED
    assert lane.status(booking) == (Status.CANCELLED, None)
    assert lane.counted() == (0, 0)


def test_a_seat_that_the_booking_never_had_releases_nothing() -> None:
    lane = Lane()
    booking = lane.book("A1", "A2", rules=1)
    other = lane.book("A3", user=BOB)

    refused = lane.release(booking, "A1", "A3")

    assert (refused.outcome, refused.reason) == (Outcome.REFUSED, Reason.NO_SUCH_SEAT)
    assert kept(lane, booking) == (("A1", "A2"), 3000)
    assert lane.state.owners["A3"] == other
    assert lane.release(booking, "A1", user=BOB).reason is Reason.NO_SUCH_BOOKING


def test_seats_are_released_until_the_show_starts_or_the_hold_ends() -> None:
    lane = Lane()
    held, sold = lane.book("A1", "A2", hold=True), lane.book("B1", "B2")

    lane.now = STARTS

    assert (lane.release(sold, "B1").reason, kept(lane, sold)[0]) == (Reason.SHOW_STARTED, ("B1", "B2"))
    assert lane.release(held, "A1").reason is Reason.HOLD_EXPIRED


def test_a_released_seat_no_longer_counts_against_the_limit() -> None:
    lane = Lane(seats_per_user=2)
    booking = lane.book("A1", "A2")
    assert lane.status(lane.book("A3")) == (Status.FAILED, Reason.LIMIT_REACHED)

    lane.release(booking, "A1")

    assert lane.status(lane.book("A3", user=ALICE)) == (Status.CONFIRMED, None)


def test_a_booking_of_older_rules_is_released_at_the_shows_prices_or_else_in_equal_shares() -> None:
    lane = Lane()
    first, second = lane.book("A1", "B1"), lane.book("A2", "B2", "B3")
    assert lane.state.bookings[first].seat_prices_cents == ()

    lane.release(first, "B1")
    lane.take(DEARER)
    lane.release(second, "B2")

    assert kept(lane, first) == (("A1",), 1500)
    assert kept(lane, second) == (("A2", "B3"), 3500 - 1167)
    lane.release(second, "A2")
    assert kept(lane, second) == (("B3",), 1166)
