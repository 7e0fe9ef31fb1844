"""The booking path on real stores: accept, drain, record, publish."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from core.bookings import Reason, Status
from db.kv import keys, lanes
from db.postgres.engine import transaction
from tests.support.stage import Stage
from workers.drain import drain


def journal(stage: Stage) -> list[tuple[int, int, str, str | None]]:
    with transaction(stage.stores.engine) as connection:
        rows = connection.execute(text("SELECT lane, seq, outcome, reason FROM journal ORDER BY lane, seq"))
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_a_booking_is_confirmed_recorded_and_published(stage: Stage) -> None:
    show = stage.show()

    booking = stage.book(show, "A1", "A2")
    assert stage.status(booking) == {}
    assert stage.drain() == 1

    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.status(booking)["amount_cents"] == 2000
    assert stage.seats(show)["A1"] == ("SOLD", booking)
    assert stage.counters(show) == (0, 2)
    assert journal(stage) == [(show % 4, 1, "CONFIRMED", None)]
    stage.proven()


def test_the_second_booking_of_a_seat_fails_and_its_outcome_is_stored(stage: Stage) -> None:
    show = stage.show()

    first = stage.book(show, "A1", user=stage.alice)
    second = stage.book(show, "A1", "A2", user=stage.bob)
    stage.drain()

    assert stage.booking(first).status is Status.CONFIRMED
    assert stage.booking(second).reason is Reason.SEAT_TAKEN
    assert stage.status(second)["reason"] == "SEAT_TAKEN"
    assert stage.seats(show)["A2"] == ("AVAILABLE", None)
    stage.proven()


def test_one_batch_decides_operations_of_several_shows(stage: Stage) -> None:
    shows = [stage.show() for _ in range(5)]
    lane = shows[0] % 4
    same_lane = [show for show in shows if show % 4 == lane]
    assert len(same_lane) == 2

    bookings = [stage.book(show, "A1") for show in same_lane]
    assert stage.drain(shows[0]) == 2

    assert {stage.booking(booking).show_id for booking in bookings} == set(same_lane)
    stage.proven()


def test_a_batch_is_limited_and_a_doorbell_is_rung_for_the_rest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show(rows=2, seats=5, seats_per_user=10)
    stage.limit(batch=3)
    for number in range(1, 6):
        stage.book(show, f"A{number}")

    assert stage.drain(show) == 3
    assert stage.rung == [show % 4]
    assert stage.drain(show) == 2
    assert stage.rung == [show % 4]
    stage.proven()


def test_holds_confirm_cancel_and_expire(stage: Stage) -> None:
    show = stage.show()
    kept, cancelled, lapsed = (stage.book(show, seat, hold=True) for seat in ("A1", "A2", "A3"))
    stage.drain()
    assert stage.status(kept)["stage"] == "HELD"
    assert stage.counters(show) == (3, 0)

    stage.confirm(kept)
    stage.cancel(cancelled)
    stage.drain()
    stage.let_holds_lapse(show)
    assert stage.expire(show).code == "ACCEPTED"
    assert stage.expire(show).code == "SAME"
    stage.drain()

    assert [stage.booking(id_).status for id_ in (kept, cancelled, lapsed)] == ["CONFIRMED", "CANCELLED", "FAILED"]
    assert stage.status(lapsed)["reason"] == "HOLD_EXPIRED"
    assert stage.status(kept)["last_operation"]["kind"] == "CONFIRM"
    assert stage.counters(show) == (0, 1)
    assert stage.expire(show).code == "ACCEPTED"


def test_a_second_drain_of_a_lane_returns_at_once(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1")
    lane = show % 4
    assert lanes.take(stage.stores.client, lane, "another", 2_000)

    assert drain(stage.stores, lane, stage.rung.append, for_s=0) == 0

    assert lanes.release(stage.stores.client, lane, "not mine", 2_000) is False
    assert stage.stores.client.get(keys.lease(lane)) == "another"


def test_the_limit_per_user_holds_within_and_between_batches(stage: Stage) -> None:
    show = stage.show(seats_per_user=3)
    first = [stage.book(show, seat) for seat in ("A1", "A2")]
    stage.drain()
    second = stage.book(show, "A3")
    third = stage.book(show, "A4")
    stage.drain()

    assert {stage.booking(id_).status for id_ in (*first, second)} == {Status.CONFIRMED}
    assert stage.booking(third).reason is Reason.LIMIT_REACHED
    stage.proven()


def test_quantity_takes_adjacent_seats_of_the_category(stage: Stage) -> None:
    show = stage.show(rows=3, seats=6, premium=1)
    booking: UUID = stage.book(show, quantity=3, category="standard")
    stage.drain()

    assert stage.status(booking)["seats"] == ["B2", "B3", "B4"] or stage.status(booking)["seats"][0][0] == "B"
    stage.proven()
