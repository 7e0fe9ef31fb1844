"""Seat maps kept between batches: read once, and never used after another worker or a failed batch changed them."""

from __future__ import annotations

from typing import Any

import pytest

from core.bookings import Reason, Status
from core.errors import PostgresUnavailable
from db.kv import keys
from db.postgres import seats
from tests.support.stage import Stage
from workers import batch, drain
from workers.stores import open_stores


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the reads of seat owners, by the function's name."""
    found: list[str] = []
    for name in ("owners", "owners_of_shows"):
        read = getattr(seats, name)

        def counted(*arguments: Any, name: str = name, read: Any = read) -> Any:
            found.append(name)
            return read(*arguments)

        monkeypatch.setattr(seats, name, counted)
    return found


def test_the_map_of_a_show_is_read_once(stage: Stage, reads: list[str]) -> None:
    show = stage.show(rows=1, seats=5)
    bookings = []
    for number in range(5):
        bookings.append(stage.book(show, quantity=1) if number % 2 else stage.book(show, f"A{number + 1}"))
        if number == 0:
            stage.drain()
            bookings.append(stage.book(show, quantity=1))
        stage.drain()

    assert reads == ["owners", "owners_of_shows"]
    assert [stage.booking(id_).status for id_ in bookings].count(Status.CONFIRMED) == 5
    stage.proven()


def test_a_map_is_not_used_after_another_worker_sold_seats(stage: Stage, reads: list[str]) -> None:
    show = stage.show(rows=1, seats=2)
    stage.book(show, quantity=1)
    stage.drain()
    other = open_stores(stage.stores.settings)
    late = stage.book(show, quantity=1, user=stage.bob)
    assert drain.drain(other, show % 4, stage.rung.append, for_s=0) == 1
    other.close()

    stage.stores.client.hset(keys.card(show % 4, show), "sold_out_until", 0)
    third = stage.book(show, quantity=1)
    stage.drain()

    assert stage.booking(late).status is Status.CONFIRMED
    assert stage.booking(third).reason is Reason.SOLD_OUT
    stage.proven()


@pytest.mark.rule(number=10)
def test_a_map_changed_by_a_batch_that_failed_is_forgotten(
    stage: Stage, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show(rows=1, seats=3)
    stage.book(show, quantity=1)
    stage.drain()
    booking = stage.book(show, quantity=2)

    def lost(*_: Any) -> None:
        raise PostgresUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(batch, "record", lost)
        assert stage.drain() == 0
    stage.stores.client.delete(keys.lease(show % 4))
    stage.drain()

    assert stage.booking(booking).status is Status.CONFIRMED
    assert reads.count("owners_of_shows") == 2
    stage.proven()


def test_lapsed_holds_are_free_in_a_kept_map(stage: Stage) -> None:
    show = stage.show(rows=1, seats=3, hold_ms=1)
    held = stage.book(show, quantity=3, hold=True)
    stage.drain()

    booking = stage.book(show, quantity=3, user=stage.bob)
    stage.drain()

    assert stage.booking(held).reason is Reason.HOLD_EXPIRED
    assert stage.booking(booking).status is Status.CONFIRMED
    stage.proven()
