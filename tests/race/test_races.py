"""Races on real servers. Each rule of docs/locking.md has a test here, and a negative control beside it that
takes the rule away and must then see the harm: a race test that cannot fail proves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core import ids
from core.bookings import Status
from core.errors import LaneBusy
from core.operations import Book, StreamId
from db import fences, keys, lanes, shows
from db.engine import transaction
from db.fences import Fence
from db.lanes import Accepted
from db.rounds import Rounds
from db.shows import ShowRow
from local.verify import verify
from tests.stage import Stage
from workers import batch as batches
from workers.batch import Poison, run_batch
from workers.drain import drain
from workers.seatmaps import SeatMaps

#: Seconds that a thread waits for the other at a meeting point which the lock may keep the other from.
MEETING_S = 1.0


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run these at the same time; returns what each returned or raised."""
    results: list[Any] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(number: int, work: Callable[[], Any]) -> None:
        start.wait(10)
        try:
            results[number] = work()
        except Exception as error:  # noqa: BLE001 - what it was is what the test looks at
            results[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def meet_after_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches wait for each other between reading seats and writing them, if the lock lets both come so far."""
    meeting = threading.Barrier(2)
    load = batches.load_states

    def load_and_meet(*arguments: Any) -> Any:
        states = load(*arguments)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(MEETING_S)
        return states

    monkeypatch.setattr(batches, "load_states", load_and_meet)


def journal_rows(stage: Stage) -> int:
    with transaction(stage.stores.engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM journal")).scalar_one())


# -- rule 1: the lane's row lock admits one writer ----------------------------------------------------------


def test_two_drains_of_one_lane_decide_each_operation_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    for number in range(1, 6):
        stage.book(show, f"A{number}")
    meet_after_loading(monkeypatch)

    results = together(*[lambda: run_batch(stage.stores, show % 4, 500)] * 2)

    assert sum(isinstance(result, LaneBusy) for result in results) == 1
    assert journal_rows(stage) == 5
    assert verify(stage.stores.settings.database_url).violations == []


def test_without_the_lanes_row_lock_two_drains_decide_the_same_operations(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    for number in range(1, 6):
        stage.book(show, f"A{number}")
    meet_after_loading(monkeypatch)
    monkeypatch.setattr(fences, "lock", read_fence)
    monkeypatch.setattr(batches.shows, "lock", read_shows)

    results = together(*[lambda: run_batch(stage.stores, show % 4, 500)] * 2)

    # The database's own constraints catch what the lock would have prevented.
    assert any(isinstance(result, Poison) for result in results), results


def read_shows(connection: Any, show_ids: list[int]) -> dict[int, ShowRow]:
    rows = [shows.get(connection, show_id) for show_id in show_ids]
    return {row.id: row for row in rows if row is not None}


def read_fence(connection: Any, lane: int) -> Fence:
    row = connection.execute(text("SELECT * FROM lanes WHERE lane = :lane"), {"lane": lane}).one()
    return Fence(lane, row.epoch, StreamId(row.stream_ms, row.stream_seq), row.seq, row.decided_ms)


# -- rule 2: what is checked is read after the lock ---------------------------------------------------------


def test_a_seat_is_checked_after_the_lock(stage: Stage) -> None:
    show = stage.show()
    bookings = [stage.book(show, "A1", user=user) for user in (stage.alice, stage.bob) for _ in range(10)]

    together(*[lambda: drain(stage.stores, show % 4, stage.rung.append, for_s=0)] * 4)
    stage.drain()

    confirmed = [id_ for id_ in bookings if stage.booking(id_).status is Status.CONFIRMED]
    assert confirmed == [bookings[0]]


def test_seats_read_before_the_lock_are_sold_twice_or_conflict(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    show = stage.show()
    stale = batches.load_states
    first = stage.book(show, "A1")
    with transaction(stage.stores.engine) as connection:
        rows = batches.shows.lock(connection, [show])
        operation = Book(booking_id=first, show_id=show, user_id=stage.alice, fingerprint="f", seats=("A1",))
        entries = [batches.Entry(StreamId(1, 1), 1, "", operation)]
        read_early = stale(connection, rows, entries, stage.stores.halls, SeatMaps())
    stage.drain()
    stage.book(show, "A1", user=stage.bob)
    monkeypatch.setattr(batches, "load_states", lambda *_: read_early)

    with pytest.raises(Poison, match="another owner"):
        run_batch(stage.stores, show % 4, 500)


# -- rule 3: accepting is one atomic step -------------------------------------------------------------------


def book_of(stage: Stage, show: int, key: str) -> Book:
    id_ = ids.booking_id(b"k" * 32, show, stage.alice, key)
    return Book(booking_id=id_, show_id=show, user_id=stage.alice, seats=("A1",), fingerprint="f")


def accept_with(stage: Stage, rounds: Rounds, operation: Book) -> Accepted:
    return lanes.accept(rounds, operation, lanes=4, cap=1000, marker_ms=2000)


def test_a_key_sent_a_hundred_times_at_once_is_accepted_once(stage: Stage) -> None:
    show = stage.show()
    processes = [Rounds(stage.stores.settings.redis_url) for _ in range(4)]
    operation = book_of(stage, show, "k")

    def send(number: int) -> Callable[[], Accepted]:
        return lambda: accept_with(stage, processes[number % 4], operation)

    results = together(*(send(number) for number in range(100)))
    for rounds in processes:
        rounds.close()

    assert sorted(result.code for result in results) == ["ACCEPTED"] + ["SAME"] * 99
    assert stage.stores.client.xlen(keys.lane(show % 4)) == 1


def test_looking_first_and_adding_then_accepts_a_key_twice(stage: Stage) -> None:
    show = stage.show()
    client, operation, looked = stage.stores.client, book_of(stage, show, "k"), threading.Barrier(2)
    status = keys.status(show % 4, operation.booking_id)

    def look_then_add() -> None:
        there = client.exists(status)
        looked.wait(10)
        if not there:
            client.xadd(keys.lane(show % 4), {"o": "{}"})
            client.hset(status, "v", "0")

    together(look_then_add, look_then_add)

    assert client.xlen(keys.lane(show % 4)) == 2


# -- rule 4: falling asleep and looking are one atomic step -------------------------------------------------


def awake(stage: Stage, lane: int) -> bool:
    """Whether somebody is at work or on the way: otherwise only the sweeper would find the lane's entries."""
    return bool(stage.stores.client.exists(keys.marker(lane)))


@pytest.mark.parametrize("accept_first", [True, False])
def test_no_wake_up_is_lost_between_release_and_accept(stage: Stage, accept_first: bool) -> None:
    show = stage.show()
    lane, client = show % 4, stage.stores.client
    assert lanes.take(client, lane, "me", 2_000)
    accepted = accept_with(stage, stage.stores.rounds, book_of(stage, show, "1")) if accept_first else None

    entries_left = lanes.release(client, lane, "me", 2_000)
    accepted = accepted or accept_with(stage, stage.stores.rounds, book_of(stage, show, "1"))

    assert entries_left or accepted.ring
    assert awake(stage, lane)


def test_looking_first_and_falling_asleep_then_loses_a_wake_up(stage: Stage) -> None:
    show = stage.show()
    lane, client = show % 4, stage.stores.client
    assert lanes.take(client, lane, "me", 2_000)

    empty = client.xlen(keys.lane(lane)) == 0
    accepted = accept_with(stage, stage.stores.rounds, book_of(stage, show, "1"))
    if empty:
        client.delete(keys.marker(lane))

    assert not accepted.ring
    assert not awake(stage, lane)


# -- all at once --------------------------------------------------------------------------------------------


class Crowd:
    """Buyers, their second thoughts, and drains, all at once on two shows."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.on_sale = [stage.show(rows=4, seats=5, seats_per_user=20) for _ in range(2)]
        self.held: list[UUID] = []
        self.done = threading.Event()

    def buy(self) -> None:
        for number in range(60):
            seat = f"{'ABCD'[number % 4]}{number % 5 + 1}"
            user = (self.stage.alice, self.stage.bob)[number % 2]
            id_ = self.stage.book(self.on_sale[number % 2], seat, user=user, hold=number % 3 == 0)
            if number % 3 == 0:
                self.held.append(id_)

    def buy_all(self) -> None:
        try:
            together(*[self.buy] * 3)
        finally:
            self.done.set()

    def change_minds(self) -> None:
        while not self.done.is_set():
            for id_ in list(self.held):
                for user in (self.stage.alice, self.stage.bob):
                    (self.stage.confirm if id_.int % 2 else self.stage.cancel)(id_, user)
                    self.stage.expire(ids.show_of(id_))

    def drain(self) -> None:
        while not self.done.is_set():
            for lane in range(4):
                drain(self.stage.stores, lane, self.stage.rung.append, for_s=0)


def test_a_crowd_of_buyers_and_drains_leaves_a_provable_database(stage: Stage) -> None:
    crowd = Crowd(stage)

    results = together(crowd.buy_all, crowd.change_minds, crowd.drain, crowd.drain, crowd.drain)
    while stage.drain():
        pass

    assert not [result for result in results if isinstance(result, Exception)]
    report = verify(stage.stores.settings.database_url)
    assert report.violations == []
    assert report.bookings == 180
