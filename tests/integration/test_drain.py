"""The booking path on real stores: accept, drain, record, publish - and what happens on repetition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import ids
from core.bookings import Reason, Status
from core.decide import decide
from core.operations import Book, dump
from db import cards, keys, lanes, scripts
from db.engine import transaction
from local.verify import verify
from tests.stage import Stage
from workers import batch as batches
from workers import publish as publishing
from workers.batch import run_batch
from workers.drain import drain


def journal(stage: Stage) -> list[tuple[int, int, str, str | None]]:
    with transaction(stage.stores.engine) as connection:
        rows = connection.execute(text("SELECT lane, seq, outcome, reason FROM journal ORDER BY lane, seq"))
        return [tuple(row) for row in rows]  # type: ignore[misc]


def proven(stage: Stage) -> None:
    assert verify(stage.stores.settings.database_url).violations == []


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
    proven(stage)


def test_the_second_to_want_a_seat_fails_and_its_outcome_is_stored(stage: Stage) -> None:
    show = stage.show()

    first = stage.book(show, "A1", user=stage.alice)
    second = stage.book(show, "A1", "A2", user=stage.bob)
    stage.drain()

    assert stage.booking(first).status is Status.CONFIRMED
    assert stage.booking(second).reason is Reason.SEAT_TAKEN
    assert stage.status(second)["reason"] == "SEAT_TAKEN"
    assert stage.seats(show)["A2"] == ("AVAILABLE", None)
    proven(stage)


def test_one_batch_decides_operations_of_several_shows(stage: Stage) -> None:
    shows = [stage.show() for _ in range(5)]
    lane = shows[0] % 4
    same_lane = [show for show in shows if show % 4 == lane]
    assert len(same_lane) == 2

    bookings = [stage.book(show, "A1") for show in same_lane]
    assert stage.drain(shows[0]) == 2

    assert {stage.booking(booking).show_id for booking in bookings} == set(same_lane)
    proven(stage)


def test_a_batch_is_bounded_and_the_rest_rings_the_doorbell(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show(rows=2, seats=5, seats_per_user=10)
    stage.stores.settings = small(stage, batch=3)
    for number in range(1, 6):
        stage.book(show, f"A{number}")

    assert stage.drain(show) == 3
    assert stage.rung == [show % 4]
    assert stage.drain(show) == 2
    assert stage.rung == [show % 4]
    proven(stage)


def small(stage: Stage, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(stage.stores.settings, **changes)


def test_the_same_key_gives_the_same_booking_and_another_body_is_refused(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", key="k", body="one")

    assert stage.book(show, "A1", key="k", body="one") == booking
    operation = Book(booking_id=booking, show_id=show, user_id=stage.alice, seats=("A2",), fingerprint="two")
    assert stage.accept(operation).code == "MISMATCH"

    assert stage.drain() == 1
    repeated = stage.accept(
        Book(booking_id=booking, show_id=show, user_id=stage.alice, seats=("A1",), fingerprint="one")
    )
    assert (repeated.code, repeated.status["s"]) == ("SAME", "CONFIRMED")
    proven(stage)


def test_a_repeated_undecided_book_rings_again(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1", key="k", body="one")
    stage.stores.client.delete(keys.marker(show % 4))  # the doorbell was lost, and its marker has lapsed

    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, stage.alice, "k"), show_id=show, user_id=stage.alice,
        seats=("A1",), fingerprint="one",
    )  # fmt: skip
    accepted = stage.accept(operation)

    assert (accepted.code, accepted.ring) == ("SAME", True)
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1


def test_a_key_repeated_after_its_status_has_left_redis_gets_the_first_outcome(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1", user=stage.bob)
    booking = stage.book(show, "A1", key="k", body="one")
    stage.drain()
    assert stage.booking(booking).status is Status.FAILED
    stage.cancel(stage.book(show, "A1", user=stage.bob, key="unused"), stage.bob)
    stage.drain()
    stage.stores.client.delete(keys.status(show % 4, booking))

    stage.book(show, "A1", key="k", body="one")
    stage.drain()

    assert stage.booking(booking).status is Status.FAILED
    assert stage.status(booking)["reason"] == "SEAT_TAKEN"
    proven(stage)


def test_what_was_committed_but_not_published_is_published_and_not_decided_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show(rows=1, seats=2)
    held = stage.book(show, "A2", hold=True)
    booking = stage.book(show, "A1")
    with monkeypatch.context() as patch:
        patch.setattr("workers.drain.publish", lambda *_: True)  # the worker dies after COMMIT
        stage.drain()
    assert stage.status(booking) == {}
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 2
    before = journal(stage)

    later = stage.book(show, "A1", user=stage.bob)
    stage.stores.client.delete(keys.marker(show % 4))
    stage.drain()

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert stage.status(held)["stage"] == "HELD"
    assert stage.status(later)["reason"] == "SEAT_TAKEN"
    assert journal(stage)[:2] == before
    assert len(journal(stage)) == 3
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 0
    proven(stage)


def test_a_late_drain_publishes_nothing_over_newer_states(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    lane = show % 4
    booking = stage.book(show, "A1", hold=True)
    zombie = run_batch(stage.stores, lane, 500)  # committed, and then it sleeps
    assert zombie is not None
    stage.drain(show)
    stage.confirm(booking)
    stage.drain(show)
    assert stage.status(booking)["status"] == "CONFIRMED"

    later = stage.book(show, "A2")
    publishing.publish(stage.stores, zombie, "zombie", None)

    assert stage.status(booking)["status"] == "CONFIRMED"
    stage.drain(show)
    assert stage.booking(later).status is Status.CONFIRMED
    proven(stage)


def test_holds_confirm_cancel_and_expire(stage: Stage) -> None:
    show = stage.show()
    kept, given_up, lapsed = (stage.book(show, seat, hold=True) for seat in ("A1", "A2", "A3"))
    stage.drain()
    assert stage.status(kept)["stage"] == "HELD"
    assert stage.counters(show) == (3, 0)

    stage.confirm(kept)
    stage.cancel(given_up)
    stage.drain()
    stage.let_holds_lapse(show)
    assert stage.expire(show).code == "ACCEPTED"
    assert stage.expire(show).code == "SAME"
    stage.drain()

    assert [stage.booking(id_).status for id_ in (kept, given_up, lapsed)] == ["CONFIRMED", "CANCELLED", "FAILED"]
    assert stage.status(lapsed)["reason"] == "HOLD_EXPIRED"
    assert stage.status(kept)["last_operation"]["kind"] == "CONFIRM"
    assert stage.counters(show) == (0, 1)
    assert stage.expire(show).code == "ACCEPTED"


def test_a_pending_confirm_is_not_accepted_twice_and_answers_when_decided(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1", hold=True)
    stage.drain()

    assert stage.confirm(booking).code == "ACCEPTED"
    assert stage.confirm(booking).code == "SAME"
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1
    stage.drain()

    answer = stage.confirm(booking)
    assert (answer.code, answer.status["s"]) == ("SAME", "CONFIRMED")
    assert "p" not in answer.status


def test_nobody_confirms_anothers_booking(stage: Stage) -> None:
    booking = stage.book(stage.show(), "A1", hold=True)
    stage.drain()

    assert stage.confirm(booking, stage.bob).code == "NO_STATUS"


def test_a_sold_out_show_refuses_at_the_door_and_opens_again_by_itself(stage: Stage) -> None:
    show = stage.show(rows=1, seats=2)
    held = stage.book(show, "A1", "A2", hold=True)
    stage.drain()
    assert book(stage, show).code == "SOLD_OUT"

    stage.cancel(held)
    stage.drain()

    assert book(stage, show).code == "ACCEPTED"


def test_a_sold_out_show_opens_when_its_first_hold_ends(stage: Stage) -> None:
    show = stage.show(rows=1, seats=1, hold_ms=1)
    held = stage.book(show, "A1", hold=True)
    stage.drain()
    until = int(stage.stores.client.hget(keys.card(show % 4, show), "sold_out_until") or 0)

    assert until == stage.booking(held).expires_ms
    # It lasted 1 ms, so the door is open again; the scheduler has done nothing.
    booking = stage.book(show, "A1", user=stage.bob)
    stage.drain()
    assert stage.booking(booking).status is Status.CONFIRMED
    assert stage.booking(held).reason is Reason.HOLD_EXPIRED
    proven(stage)


def book(stage: Stage, show: int) -> lanes.Accepted:
    id_ = ids.booking_id(b"k" * 32, show, stage.bob, None)
    return stage.accept(Book(booking_id=id_, show_id=show, user_id=stage.bob, seats=("A1",), fingerprint="f"))


def test_paused_closed_and_not_yet_open_shows_refuse_at_the_door(stage: Stage) -> None:
    show = stage.show()
    assert stage.change(show, state="PAUSED").code == "ACCEPTED"
    stage.drain()
    assert book(stage, show).code == "PAUSED"
    stage.change(show, state="CLOSED")
    stage.drain()
    assert book(stage, show).code == "CLOSED"

    later = stage.show(sales_open_ms=1 << 45, sales_close_ms=1 << 46, starts_ms=1 << 46)
    assert book(stage, later).code == "NOT_OPEN"
    assert book(stage, stage.show(sales_close_ms=1, starts_ms=1)).code == "CLOSED"


def test_a_refusal_writes_nothing(stage: Stage) -> None:
    show = stage.show(sales_close_ms=1, starts_ms=1)
    before = set(stage.stores.client.scan_iter())

    book(stage, show)

    assert set(stage.stores.client.scan_iter()) == before


def test_a_full_lane_refuses_bookings_but_still_takes_confirms(stage: Stage) -> None:
    stage.stores.settings = small(stage, lane_cap=4)
    show = stage.show()
    held = stage.book(show, "A1", hold=True)
    stage.drain()
    for number in range(2, 6):
        stage.book(show, f"A{number}")

    assert book(stage, show).code == "FULL"
    assert stage.confirm(held).code == "ACCEPTED"
    assert stage.cancel(held).code == "FULL"


def test_a_show_without_a_card_is_told_apart(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.delete(keys.card(show % 4, show))

    assert book(stage, show).code == "NO_CARD"


def test_an_old_card_does_not_replace_a_newer_one(stage: Stage) -> None:
    show = stage.show()
    with transaction(stage.stores.engine) as connection:
        row = batches.shows.get(connection, show)
    assert row is not None
    stage.change(show, state="PAUSED")
    stage.drain()

    old = cards.card(row.settings, version=row.version, hall_id=1, sold_out_until_ms=0, forgets_at_ms=0)
    cards.publish(stage.stores.rounds, show, old, 4)

    assert book(stage, show).code == "PAUSED"


def test_after_redis_was_wiped_decisions_stand_and_lanes_go_on(stage: Stage) -> None:
    show = stage.show()
    before = stage.book(show, "A1", key="k", body="f")
    stage.drain()
    stage.stores.client.flushdb()
    stage.publish_card(show)

    again = stage.book(show, "A1", key="k", body="f")
    after = stage.book(show, "A1", user=stage.bob)
    stage.drain()

    assert again == before
    assert stage.booking(before).status is Status.CONFIRMED
    assert stage.status(before)["status"] == "CONFIRMED"
    assert stage.booking(after).reason is Reason.SEAT_TAKEN
    proven(stage)


def test_a_batch_of_a_redis_that_is_gone_publishes_nothing(stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    batch = run_batch(stage.stores, show % 4, 500)
    assert batch is not None
    stage.stores.client.flushdb()
    stage.publish_card(show)
    other = stage.book(show, "A2")

    assert publishing.publish(stage.stores, batch, "late", None) is False

    assert stage.status(booking) == {}
    stage.drain()
    assert stage.booking(other).status is Status.CONFIRMED


@contextmanager
def poisoned(monkeypatch: pytest.MonkeyPatch, *seats: str) -> Iterator[None]:
    """While this lasts, deciding a booking of one of these seats is a bug."""

    def buggy(state: Any, entry: Any, decided_ms: int) -> Any:
        if set(getattr(entry.operation, "seats", ())) & set(seats):
            raise RuntimeError("boom")
        return decide(state, entry, decided_ms)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "decide", buggy)
        yield


def test_one_poison_operation_fails_alone_and_is_parked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    bookings = {seat: stage.book(show, seat) for seat in ("A1", "A2", "A3", "A4", "A5")}

    with poisoned(monkeypatch, "A3"):
        while stage.stores.client.xlen(keys.lane(show % 4)):
            stage.drain(show)

    assert stage.booking(bookings["A3"]).reason is Reason.INTERNAL
    others = [id_ for seat, id_ in bookings.items() if seat != "A3"]
    assert {stage.booking(id_).status for id_ in others} == {Status.CONFIRMED}
    assert [error for error, _ in parked(stage)] == ["RuntimeError: boom"]
    proven(stage)


def parked(stage: Stage) -> list[tuple[str, bytes]]:
    with transaction(stage.stores.engine) as connection:
        return [(row.error, bytes(row.payload)) for row in connection.execute(text("SELECT error, payload FROM parked"))]


def test_three_poison_operations_in_a_row_stop_the_lane_until_the_program_is_mended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    seats = ("A1", "A2", "A3", "A4")
    bookings = [stage.book(show, seat) for seat in seats]
    lane = keys.lane(show % 4)

    with poisoned(monkeypatch, *seats):
        for _ in range(10):
            stage.stores.client.delete(keys.marker(show % 4))
            stage.drain(show)
    assert stage.stores.client.xlen(lane) == 1

    stage.stores.client.delete(keys.marker(show % 4))
    stage.drain(show)
    assert stage.booking(bookings[3]).status is Status.CONFIRMED
    proven(stage)


def put(stage: Stage, lane: int, payload: str) -> None:
    """Add a raw entry, as a broken or newer program might."""
    stage.stores.client.hsetnx(keys.meter(lane), "epoch", "e")
    ticket = stage.stores.client.hincrby(keys.meter(lane), "ticket", 1)
    stage.stores.client.xadd(keys.lane(lane), {"o": payload, "t": ticket})


def test_an_unreadable_operation_is_parked_and_the_rest_goes_on(stage: Stage) -> None:
    show = stage.show()
    put(stage, show % 4, '{"v":1,"kind":"\\u0000')
    booking = stage.book(show, "A1")

    stage.drain(show)

    assert stage.booking(booking).status is Status.CONFIRMED
    assert [payload for _, payload in parked(stage)] == [b'{"v":1,"kind":"\\u0000']
    proven(stage)


def test_an_operation_of_a_newer_version_waits_for_a_newer_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    before = stage.book(show, "A1")
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, show, stage.bob, "n"), show_id=show, user_id=stage.bob,
        seats=("A2",), fingerprint="f",
    )  # fmt: skip
    put(stage, show % 4, json.dumps({**json.loads(dump(operation)), "v": 2}))
    after = stage.book(show, "A3")

    for _ in range(3):
        stage.stores.client.delete(keys.marker(show % 4))
        stage.drain(show)
    assert stage.booking(before).status is Status.CONFIRMED
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 2

    monkeypatch.setattr("core.operations.VERSION", 2)
    stage.stores.client.delete(keys.marker(show % 4))
    stage.drain(show)
    assert stage.booking(operation.booking_id).status is Status.CONFIRMED
    assert stage.booking(after).status is Status.CONFIRMED


def test_a_booking_of_a_show_that_does_not_exist_fails(stage: Stage) -> None:
    stage.show()
    operation = Book(
        booking_id=ids.booking_id(b"k" * 32, 999, stage.alice, "x"), show_id=999, user_id=stage.alice,
        seats=("A1",), fingerprint="f",
    )  # fmt: skip
    put(stage, 999 % 4, dump(operation))

    stage.drain()

    assert stage.booking(operation.booking_id).reason is Reason.NO_SUCH_SHOW
    assert stage.status(operation.booking_id)["reason"] == "NO_SUCH_SHOW"
    proven(stage)


def test_a_second_drain_of_a_lane_returns_at_once(stage: Stage) -> None:
    show = stage.show()
    stage.book(show, "A1")
    lane = show % 4
    assert lanes.take(stage.stores.client, lane, "another", 2_000)

    assert drain(stage.stores, lane, stage.rung.append, for_s=0) == 0

    assert lanes.release(stage.stores.client, lane, "not mine", 2_000) is False
    assert stage.stores.client.get(keys.marker(lane)) == "another"


def test_a_lane_that_fell_asleep_is_rung_by_the_next_operation(stage: Stage) -> None:
    show = stage.show()
    assert book(stage, show).ring
    assert not book(stage, show).ring
    stage.drain(show)

    assert stage.stores.client.exists(keys.marker(show % 4)) == 0
    assert book(stage, show).ring


def test_scripts_are_loaded_where_redis_does_not_have_them(stage: Stage) -> None:
    show = stage.show()
    stage.stores.client.script_flush()

    booking = stage.book(show, "A1")
    stage.stores.client.script_flush()
    stage.drain(show)

    assert stage.status(booking)["status"] == "CONFIRMED"
    assert set(scripts.BY_SHA) >= {scripts.ACCEPT.sha, scripts.FINISH.sha}


def test_the_limit_per_user_holds_within_and_between_batches(stage: Stage) -> None:
    show = stage.show(seats_per_user=3)
    first = [stage.book(show, seat) for seat in ("A1", "A2")]
    stage.drain()
    second = stage.book(show, "A3")
    third = stage.book(show, "A4")
    stage.drain()

    assert {stage.booking(id_).status for id_ in (*first, second)} == {Status.CONFIRMED}
    assert stage.booking(third).reason is Reason.LIMIT_REACHED
    proven(stage)


def test_quantity_takes_adjacent_seats_of_the_category(stage: Stage) -> None:
    show = stage.show(rows=3, seats=6, premium=1)
    booking: UUID = stage.book(show, quantity=3, category="standard")
    stage.drain()

    assert stage.status(booking)["seats"] == ["B2", "B3", "B4"] or stage.status(booking)["seats"][0][0] == "B"
    proven(stage)
