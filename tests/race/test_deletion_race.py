"""Deleting a hall, a movie or a show while something new is about to hang on it: one of the two is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from core.shows import ShowSettings
from db.postgres import catalogue, halls, movies, shows
from db.postgres.engine import transaction
from proof.kit.waiting import PATIENCE_S, until
from tests.race.rivals import comes_after, somebody_waits, together
from tests.support.factories import make_hall, make_movie
from tests.support.stage import Stage

START_MS = 4_073_000_000_000


class Rivals:
    """Two transactions, of which the second begins when the first holds its locks, and waits for them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._first_holds = threading.Event()

    def first(self, work: Callable[[Connection], Any]) -> Any:
        with transaction(self.stage.stores.engine) as connection:
            result = work(connection)
            self.hold()
        return result

    def hold(self) -> None:
        """Let the second begin, and go on when it waits."""
        self._first_holds.set()
        until(lambda: somebody_waits(self.stage.stores.engine))

    def wait_for_first(self) -> None:
        assert self._first_holds.wait(PATIENCE_S)

    def second(self, work: Callable[[Connection], Any]) -> Any:
        self.wait_for_first()
        with transaction(self.stage.stores.engine) as connection:
            return work(connection)


@pytest.fixture
def rivals(stage: Stage) -> Rivals:
    return Rivals(stage)


@pytest.fixture
def place(stage: Stage) -> dict[str, int]:
    return {"movie_id": make_movie(stage.stores.engine), "hall_id": make_hall(stage.stores.engine)}


def adding(place: dict[str, int]) -> Callable[[Connection], int]:
    settings = ShowSettings(sales_close_ms=START_MS, starts_ms=START_MS, seats_per_user=1, hold_ms=1, prices={})
    return lambda connection: catalogue.insert_show(connection, **place, settings=settings, capacity=1)


def deleting(noun: str, place: dict[str, int]) -> Callable[[Connection], bool]:
    delete = {"hall": halls.delete_hall, "movie": movies.delete_movie}[noun]
    return lambda connection: delete(connection, place[f"{noun}_id"])


@pytest.mark.parametrize(("noun", "error"), [("hall", halls.HallInUse), ("movie", movies.MovieInUse)])
def test_what_is_getting_a_show_is_not_deleted(
    rivals: Rivals, place: dict[str, int], noun: str, error: type[Exception]
) -> None:
    added, refused = together(lambda: rivals.first(adding(place)), lambda: rivals.second(deleting(noun, place)))

    assert isinstance(added, int), added
    assert isinstance(refused, error), refused


@pytest.mark.parametrize(("noun", "error"), [("hall", halls.HallGone), ("movie", catalogue.NoSuchMovie)])
def test_what_is_being_deleted_gets_no_show(
    rivals: Rivals, place: dict[str, int], noun: str, error: type[Exception]
) -> None:
    deleted, refused = together(lambda: rivals.first(deleting(noun, place)), lambda: rivals.second(adding(place)))

    assert deleted is True
    assert isinstance(refused, error), refused


def test_a_show_whose_lane_decides_its_first_booking_is_not_deleted(
    rivals: Rivals, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")
    held = comes_after(monkeypatch, shows, "lock", rivals.hold)

    drained, refused = together(
        lambda: stage.drain(show), lambda: rivals.second(lambda it: catalogue.delete_unused_show(it, show))
    )

    assert (held, drained) == ([None], 1)
    assert isinstance(refused, catalogue.ShowInUse), refused
    assert refused.members == {"in_use_by": "bookings", "ids": [str(booking)]}
    stage.proven()


def test_a_lane_fails_the_first_booking_of_a_show_that_is_being_deleted(rivals: Rivals, stage: Stage) -> None:
    show = stage.show()
    booking = stage.book(show, "A1")

    def drain() -> int:
        rivals.wait_for_first()
        return stage.drain(show)

    deleted, drained = together(lambda: rivals.first(lambda it: catalogue.delete_unused_show(it, show)), drain)

    assert (deleted, drained) == (True, 1)
    assert stage.booking(booking).reason == "NO_SUCH_SHOW"
    stage.proven()


def test_two_shows_of_a_new_number_of_seats_share_one_hall(rivals: Rivals) -> None:
    def hall(connection: Connection) -> int:
        return halls.general_hall(connection, "2 seats", {"rows": []}, 2).id

    first, second = together(lambda: rivals.first(hall), lambda: rivals.second(hall))

    assert isinstance(first, int)
    assert first == second
