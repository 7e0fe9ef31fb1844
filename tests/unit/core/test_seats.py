"""Best available: adjacent in one row if any row allows it, else near; front and middle first."""

from __future__ import annotations

from core.halls import Hall
from core.seats import FreeSeats, Pick
from proof.kit.shows import plan


def free(hall: Hall, *taken: str) -> FreeSeats:
    return FreeSeats(hall, taken)


def test_the_middle_of_the_front_row_comes_first() -> None:
    hall = Hall.from_plan(1, plan(3, 7))

    assert free(hall).best(3) == ("A3", "A4", "A5")


def test_a_row_without_a_long_enough_stretch_is_skipped() -> None:
    hall = Hall.from_plan(1, plan(2, 4))

    assert free(hall, "A2", "A3").best(2) == ("B1", "B2")


def test_no_single_seat_is_left_if_that_can_be_avoided() -> None:
    hall = Hall.from_plan(1, plan(1, 5))

    assert free(hall).best(2) in (("A1", "A2"), ("A4", "A5"))


def test_an_aisle_separates_neighbours() -> None:
    row = {"label": "A", "aisles": [2], "blocks": [{"first": 1, "last": 4, "category": "standard"}]}
    hall = Hall.from_plan(1, {"rows": [row]})

    assert free(hall, "A1", "A4").best(2) == ("A2", "A3")
    assert free(hall, "A1").best(2) == ("A3", "A4")


def test_without_a_stretch_anywhere_the_nearest_seats_are_taken() -> None:
    hall = Hall.from_plan(1, plan(4, 3))
    taken = ["A2", "B2", "C1", "C2", "C3", "D1", "D2"]

    best = free(hall, *taken).best(3)

    assert best is not None
    assert {label[0] for label in best} == {"A", "B"}


def test_the_category_is_kept() -> None:
    hall = Hall.from_plan(1, plan(2, 3, premium=1))

    assert free(hall).best(2, Pick.of("standard")) in (("B1", "B2"), ("B2", "B3"))
    assert free(hall, "B1", "B2").best(2, Pick.of("standard")) is None


def test_too_few_seats_are_none() -> None:
    hall = Hall.from_plan(1, plan(1, 3))

    assert free(hall, "A1").best(3) is None


def test_seats_marked_taken_and_free_are_noticed() -> None:
    hall = Hall.from_plan(1, plan(1, 3))
    seats = free(hall)

    assert seats.best(3) == ("A1", "A2", "A3")
    seats.mark_taken("A2")
    assert seats.best(3) is None
    assert seats.best(2) == ("A1", "A3")
    seats.mark_free("A2")
    assert seats.best(3) == ("A1", "A2", "A3")
