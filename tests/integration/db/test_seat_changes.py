"""seats.record: a seat gets a new owner only if its owner is still the one that was read (docs/locking.md rule 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from core.errors import SeatConflict
from db.postgres import bookings, seats
from db.postgres.engine import transaction
from db.postgres.seats import SeatChange
from proof.kit.waiting import until
from tests.support.stage import Stage

ALICES, BOBS = uuid4(), uuid4()


def give(stage: Stage, show: int, *changes: tuple[str, UUID | None, UUID | None]) -> None:
    """Record changes (label, before, after) in one transaction."""
    made = [
        SeatChange(show, label, before, after, "SOLD" if after else "AVAILABLE") for label, before, after in changes
    ]
    with transaction(stage.stores.engine) as connection:
        seats.record(connection, made)


def test_seats_go_from_nobody_to_somebody_to_another_and_back(stage: Stage) -> None:
    show = stage.show()

    give(stage, show, ("A1", None, ALICES), ("A2", None, ALICES))
    give(stage, show, ("A1", ALICES, BOBS), ("A2", ALICES, None))

    assert {label: stage.seats(show)[label] for label in ("A1", "A2")} == {
        "A1": ("SOLD", BOBS),
        "A2": ("AVAILABLE", None),
    }


@pytest.mark.parametrize("believed", [None, BOBS])
def test_with_another_owner_nothing_changes_at_all(stage: Stage, believed: UUID | None) -> None:
    show = stage.show()
    give(stage, show, ("A1", None, ALICES))

    with pytest.raises(SeatConflict, match="1 of 2 seats"):
        give(stage, show, ("A2", None, BOBS), ("A1", believed, BOBS))

    assert stage.seats(show)["A1"] == ("SOLD", ALICES)
    assert stage.seats(show)["A2"] == ("AVAILABLE", None)


def test_a_seat_that_does_not_exist_is_a_conflict(stage: Stage) -> None:
    with pytest.raises(SeatConflict, match="1 of 1 seats"):
        give(stage, stage.show(), ("Z9", None, ALICES))


def test_a_rival_that_was_first_and_has_not_committed_yet_is_a_conflict(stage: Stage) -> None:
    show, engine = stage.show(), stage.stores.engine
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with ThreadPoolExecutor(1) as pool, transaction(engine) as watcher:
        with transaction(engine) as first:
            seats.record(first, [SeatChange(show, "A1", None, ALICES, "SOLD")])
            second = pool.submit(give, stage, show, ("A1", None, BOBS))
            until(lambda: watcher.execute(waiting).scalar())
        with pytest.raises(SeatConflict, match="1 of 1 seats"):
            second.result()

    assert stage.seats(show)["A1"] == ("SOLD", ALICES)


def test_a_booking_that_does_not_exist_is_a_conflict_too(stage: Stage) -> None:
    show = stage.show()
    booked = stage.book(show, "A1")
    stage.drain(show)
    there = stage.booking(booked)
    lost = replace(there, id=uuid4())

    with pytest.raises(SeatConflict, match="1 of 2 bookings"), transaction(stage.stores.engine) as connection:
        bookings.record(connection, [], [replace(there, version=9), lost])

    assert stage.booking(booked).version == there.version
