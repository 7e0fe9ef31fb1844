"""Rule 13 of docs/locking.md: a hall's shows are read under the hall's lock. With its negative control."""

from __future__ import annotations

from typing import Any

import pytest

from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies
from db.postgres.engine import transaction
from proof.kit.shows import plan
from proof.kit.waiting import until
from tests.race.rivals import somebody_waits, together
from tests.support.stage import Stage

START_MS = 4_073_000_000_000


def put_into_hall(stage: Stage, hall_id: int, movie_id: int, looked: list[int]) -> int | None:
    """Create a show as api/catalogue/shows.py does; return None if the hall is occupied.

    After reading the hall's shows, wait until the other caller has read them, too, or waits for a lock.
    """
    settings = ShowSettings(
        sales_close_ms=START_MS, starts_ms=START_MS, seats_per_user=1, hold_ms=1, prices={"standard": 1}
    )
    with transaction(stage.stores.engine) as connection:
        other = halls.reserve(connection, hall_id, movie_id=movie_id, starts_ms=START_MS, changeover_min=0)
        looked.append(hall_id)
        until(lambda: len(looked) == 2 or somebody_waits(stage.stores.engine))
        if other is not None:
            return None
        return catalogue.insert_show(connection, movie_id=movie_id, hall_id=hall_id, settings=settings, capacity=1)


def two_at_once(stage: Stage) -> list[Any]:
    """Return the results of adding two shows to one hall at the same time."""
    with transaction(stage.stores.engine) as connection:
        hall_id = halls.insert_hall(connection, "Studio", plan(1, 1), 1)
        movie = {"title": "Row Lock", "description": "", "genre": "", "duration_min": 90}
        movie_id = movies.insert_movie(connection, movie).id
    looked: list[int] = []
    return together(*[lambda: put_into_hall(stage, hall_id, movie_id, looked)] * 2)


@pytest.mark.rule(number=13)
def test_of_two_shows_added_to_a_hall_at_once_one_is_created(stage: Stage) -> None:
    results = two_at_once(stage)

    assert {type(result) for result in results} == {int, type(None)}, results


@pytest.mark.without_rule(number=13)
def test_without_the_halls_lock_both_are_created(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halls, "lock", lambda connection, hall_id: None)

    results = two_at_once(stage)

    assert [type(result) for result in results] == [int, int], results
