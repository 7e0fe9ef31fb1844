"""Waiting lists in the lane, on real stores: what a batch loads, what it records, and what a run of expire ends."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core.bookings import Reason, Status
from core.waiting import OFFERS_MAX, WINDOW, WaitingList
from db.postgres.engine import transaction
from ops.verify import verify
from tests.support.stage import Stage
from workers import expire, load_waiting


def states(stage: Stage, *ids: UUID) -> list[tuple[Status, Reason | None]]:
    found = [stage.booking(id_) for id_ in ids]
    return [(booking.status, booking.reason) for booking in found]


def fill(stage: Stage, show: int, seats: int) -> list[UUID]:
    sold = [stage.book(show, f"A{number}", user=uuid4()) for number in range(1, seats + 1)]
    stage.drain()
    return sold


def owner(stage: Stage, id_: UUID) -> UUID:
    return stage.booking(id_).user_id


def listed(stage: Stage, show: int) -> tuple[int, int, bool]:
    with transaction(stage.stores.engine) as connection:
        statement = text("SELECT waiting, waiting_last, offers_due FROM shows WHERE id = :id")
        row = connection.execute(statement, {"id": show}).one()
    return row.waiting, row.waiting_last, row.offers_due


def test_a_whole_life_of_a_list_is_recorded_and_proven(stage: Stage) -> None:
    show = stage.show(rows=1, seats=3, hold_ms=60_000, offer_ms=30_000)
    sold = fill(stage, show, 3)
    first = stage.book(show, quantity=2, waiting=True)
    second = stage.book(show, "A2", user=stage.bob, waiting=True)
    stage.drain()
    assert listed(stage, show) == (2, 2, False)

    stage.cancel(sold[1], owner(stage, sold[1]))
    stage.drain()

    assert states(stage, first, second) == [(Status.WAITING, None), (Status.PENDING, None)]
    offered = stage.booking(second)
    assert (offered.seats, offered.expires_ms) == (("A2",), offered.decided_ms + 30_000)
    assert stage.seats(show)["A2"] == ("HELD", second)
    assert stage.status(second)["stage"] == "HELD"
    assert listed(stage, show) == (1, 2, False)
    stage.cancel(first)
    stage.confirm(second, stage.bob)
    stage.drain()
    assert states(stage, first, second) == [(Status.CANCELLED, None), (Status.CONFIRMED, None)]
    stage.proven()


def test_join_free_and_offer_in_one_batch(stage: Stage) -> None:
    """Nothing is in the list when the batch is loaded."""
    show = stage.show(rows=1, seats=2)
    sold = fill(stage, show, 2)
    waits = [stage.book(show, quantity=1, waiting=True) for _ in range(2)]
    stage.cancel(sold[0], owner(stage, sold[0]))
    stage.cancel(waits[0])  # it has been offered the seat by then, and gives it back

    stage.drain()

    assert states(stage, *waits) == [(Status.CANCELLED, None), (Status.PENDING, None)]
    stage.proven()


def test_a_lapsed_offer_goes_on_by_a_run_of_expire(stage: Stage) -> None:
    show = stage.show(rows=1, seats=1)
    [sold] = fill(stage, show, 1)
    first = stage.book(show, "A1", waiting=True)
    second = stage.book(show, quantity=1, user=stage.bob, waiting=True)
    stage.cancel(sold, owner(stage, sold))
    stage.drain()
    stage.let_holds_lapse(show)

    assert expire.run_once(stage.stores, stage.rung.append) == 1
    stage.drain()

    assert states(stage, first, second) == [(Status.FAILED, Reason.HOLD_EXPIRED), (Status.PENDING, None)]
    assert expire.run_once(stage.stores, stage.rung.append) == 0


@pytest.mark.parametrize("how", ["closed", "over"])
def test_when_the_sale_ends_the_list_is_ended_batch_by_batch(stage: Stage, how: str) -> None:
    stage.limit(batch=3)
    show = stage.show(rows=1, seats=1)
    fill(stage, show, 1)
    waits = [stage.book(show, "A1", waiting=True) for _ in range(5)]
    while stage.drain():
        pass
    if how == "closed":
        stage.change(show, state="CLOSED")
        stage.drain()
    else:
        with transaction(stage.stores.engine) as connection:
            ended = "UPDATE shows SET settings = jsonb_set(settings, '{sales_close_ms}', '1') WHERE id = :id"
            connection.execute(text(ended), {"id": show})

    for left in (2, 0):
        assert expire.run_once(stage.stores, stage.rung.append) == 1
        stage.drain()
        assert listed(stage, show)[0] == left

    assert states(stage, *waits) == [(Status.FAILED, Reason.SHOW_CLOSED)] * 5
    assert stage.status(waits[4])["reason"] == "SHOW_CLOSED"
    assert expire.run_once(stage.stores, stage.rung.append) == 0
    if how == "closed":
        stage.proven()


def test_offers_that_one_operation_may_not_make_are_made_by_the_next_run(stage: Stage) -> None:
    seats = OFFERS_MAX + 4
    show = stage.show(rows=1, seats=seats)
    sold = fill(stage, show, seats)
    waits = [stage.book(show, quantity=1, user=uuid4(), waiting=True) for _ in sold]
    stage.change(show, state="PAUSED")
    for id_ in sold:
        stage.cancel(id_, owner(stage, id_))
    stage.drain()
    assert expire.run_once(stage.stores, stage.rung.append) == 0  # it is paused

    stage.change(show, state="ON_SALE")
    stage.drain()
    assert listed(stage, show) == (4, seats, True)
    assert expire.run_once(stage.stores, stage.rung.append) == 1
    stage.drain()

    assert listed(stage, show) == (0, seats, False)
    assert states(stage, *waits) == [(Status.PENDING, None)] * seats
    stage.proven()


def test_verify_finds_a_list_served_from_its_end_though_the_replay_agrees(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WaitingList, "__iter__", lambda self: reversed(list(self._bookings.values())))
    show = stage.show(rows=1, seats=1)
    [sold] = fill(stage, show, 1)
    for _ in range(2):
        stage.book(show, "A1", user=uuid4(), waiting=True)
    stage.cancel(sold, owner(stage, sold))
    stage.drain()

    [violation] = verify(stage.stores.settings.database_url).violations

    assert "was offered seats before one that waited longer" in violation


def test_a_long_list_is_loaded_as_far_as_a_batch_can_look(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show(rows=1, seats=2)
    sold = fill(stage, show, 2)
    pairs = [stage.book(show, quantity=2, user=uuid4(), waiting=True) for _ in range(WINDOW + 20)]
    last = stage.book(show, quantity=1, user=stage.bob, waiting=True)
    stage.drain()
    loaded: list[int] = []
    first = load_waiting.waiting.first

    def counted(*arguments: object) -> list[UUID]:
        found = first(*arguments)  # type: ignore[arg-type]
        loaded.append(len(found))
        return found

    monkeypatch.setattr(load_waiting.waiting, "first", counted)
    stage.book(show, quantity=1, user=stage.bob, waiting=True)
    stage.drain()
    assert loaded == []  # the show is full, and stays so

    stage.cancel(sold[0], owner(stage, sold[0]))
    stage.drain()

    assert loaded == [WINDOW + OFFERS_MAX + 1]
    assert states(stage, last, pairs[0]) == [(Status.WAITING, None)] * 2  # it is behind the window
    for id_ in pairs[:21]:
        stage.cancel(id_, owner(stage, id_))
    stage.drain()
    assert states(stage, last) == [(Status.PENDING, None)]
    stage.proven()
