"""The booking path on real stores: accept, drain, record, publish."""

from __future__ import annotations

from core.bookings import Reason, Status
from tests.stage import Stage


def test_a_booking_is_confirmed_and_published(stage: Stage) -> None:
    show = stage.show()

    booking = stage.book(show, "A1", "A2")
    stage.drain()

    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.status(booking)["amount_cents"] == 2000
    assert stage.seats(show)["A1"] == ("SOLD", booking)
    assert stage.counters(show) == (0, 2)


def test_the_second_to_want_a_seat_fails(stage: Stage) -> None:
    show = stage.show()

    first = stage.book(show, "A1", user=stage.alice)
    second = stage.book(show, "A1", "A2", user=stage.bob)
    stage.drain()

    assert stage.booking(first).status is Status.CONFIRMED
    assert stage.booking(second).reason is Reason.SEAT_TAKEN
    assert stage.seats(show)["A2"] == ("AVAILABLE", None)
