"""Drawings: a few lines give each seat its place."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.drawings import TOLERANCE, check, lines_of, places

POINTS = st.lists(st.tuples(st.integers(-2_000, 2_000), st.integers(-2_000, 2_000)), min_size=1, max_size=30)


@given(POINTS)
def test_every_seat_is_where_it_was(points: list[tuple[int, int]]) -> None:
    lines = lines_of(points)
    drawn = list(places(lines))

    assert len(drawn) == len(points)
    for (x, y), (at_x, at_y) in zip(points, drawn, strict=True):
        assert abs(x - at_x) <= TOLERANCE
        assert abs(y - at_y) <= TOLERANCE
    check({"rows": [lines]}, [len(points)])


@given(st.integers(2, 500), st.integers(-50, 50), st.integers(-50, 50))
def test_a_straight_row_is_one_line(seats: int, dx: int, dy: int) -> None:
    points = [(100 + dx * place, 200 + dy * place) for place in range(seats)]

    assert lines_of(points) == [[seats, *points[0], *points[-1]]]
    assert list(places(lines_of(points))) == points


def test_two_straight_parts_are_few_lines() -> None:
    points = [(place * 10, 0) for place in range(64)] + [(1_000 + place * 10, 50) for place in range(64)]
    lines = lines_of(points)

    assert len(lines) <= 14
    assert list(places(lines)) == points


def test_the_places_of_a_line_have_equal_distances() -> None:
    drawn = list(places([[8, 0, 0, 50, -20]]))

    assert (drawn[0], drawn[-1]) == ((0, 0), (50, -20))
    assert {right[0] - left[0] for left, right in pairwise(drawn)} <= {7, 8}
