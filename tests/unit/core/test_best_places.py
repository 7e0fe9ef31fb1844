"""Best available by the present rules: no avoidable single seat, then front rows, then the middle."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.halls import Hall
from core.row_places import are_apart
from core.seats import ANY, FreeSeats, Pick
from proof.kit.shows import plan

ROWS = st.lists(
    st.tuples(st.integers(1, 12), st.lists(st.integers(1, 11), max_size=3), st.integers(0, 12)),
    min_size=1,
    max_size=5,
)


def hall_of(rows: list[tuple[int, list[int], int]]) -> Hall:
    """Return a hall: per row its width, the seats before its aisles, and how many seats are premium."""
    made = []
    for index, (width, aisles, premium) in enumerate(rows):
        blocks = [{"first": 1, "last": min(premium, width), "category": "premium"}] if premium else []
        if premium < width:
            blocks.append({"first": premium + 1, "last": width, "category": "standard"})
        made.append({"label": "ABCDE"[index], "aisles": [a for a in aisles if a < width], "blocks": blocks})
    return Hall.from_plan(1, {"rows": made})


def runs(hall: Hall, free: set[str]) -> list[list[str]]:
    """Return the stretches of free neighbours of a hall, row by row, found one seat at a time."""
    found: list[list[str]] = []
    before = None
    for label, seat in hall.seats.items():
        if label not in free:
            before = None
            continue
        joined = before and (before.row, before.run) == (seat.row, seat.run) and before.column == seat.column - 1
        if joined:
            found[-1].append(label)
        else:
            found.append([label])
        before = seat
    return found


def singles(hall: Hall, free: set[str]) -> set[str]:
    return {run[0] for run in runs(hall, free) if len(run) == 1}


def equal_rows(rows: int, width: int) -> Hall:
    block = {"first": 1, "last": width, "category": "standard"}
    labels = [f"{chr(65 + row // 26)}{chr(65 + row % 26)}" for row in range(rows)]
    return Hall.from_plan(1, {"rows": [{"label": label, "blocks": [block]} for label in labels]})


def adjacent(hall: Hall, free: set[str], quantity: int, category: str | None) -> list[tuple[str, ...]]:
    """Return every group of adjacent free seats of a category."""
    groups = []
    for run in runs(hall, {label for label in free if category in (None, hall.category(label))}):
        groups += [tuple(run[start : start + quantity]) for start in range(len(run) - quantity + 1)]
    return groups


@settings(max_examples=150, deadline=None)
@given(ROWS, st.data())
def test_the_seats_are_adjacent_if_any_are_and_leave_as_few_single_seats_as_any(
    rows: Any, data: st.DataObject
) -> None:
    hall = hall_of(rows)
    labels = list(hall.seats)
    taken = set(data.draw(st.lists(st.sampled_from(labels), unique=True), label="taken"))
    seats = FreeSeats(hall, taken)
    asked = st.tuples(st.integers(1, 4), st.sampled_from([None, "premium", "standard"]), st.booleans())
    for quantity, category, together in data.draw(st.lists(asked, min_size=1, max_size=6), label="asked"):
        free = set(labels) - taken
        offered = [label for label in free if category in (None, hall.category(label))]
        groups = adjacent(hall, free, quantity, category)

        best = seats.best(quantity, Pick.of(category), together=together, rules=1)

        assert seats.count(Pick.of(category)) == len(offered)
        if best is None:
            assert not groups if together else len(offered) < quantity
            continue
        assert len(set(best)) == quantity
        assert set(best) <= set(offered)
        if groups:
            assert best in groups
            assert not are_apart(hall, best)
            left = {group: len(singles(hall, free - set(group)) - singles(hall, free)) for group in groups}
            least = min(left.values())
            front = min(hall.at(group[0])[0].index for group in groups if left[group] == least)
            assert (left[best], hall.at(best[0])[0].index) == (least, front)
        else:
            assert not together
            assert are_apart(hall, best)
        for label in best:
            seats.mark_taken(label)
            taken.add(label)


@pytest.mark.parametrize(("rows", "width"), [(40, 50), (50, 41), (100, 21), (250, 9), (334, 7), (125, 16)])
def test_a_thousand_pairs_leave_no_avoidable_single_seat(rows: int, width: int) -> None:
    """All that fit: a row of even length is filled, and one of odd length keeps one seat, at the very end."""
    hall = equal_rows(rows, width)
    seats, free, pairs = FreeSeats(hall, ()), set(hall.seats), 0
    while pairs < 1_000 and (pair := seats.best(2, together=True, rules=1)) is not None:
        pairs += 1
        free -= set(pair)
        for label in pair:
            seats.mark_taken(label)
    assert pairs == min(1_000, rows * (width // 2))
    # An odd row can have all its pairs but the last without a single seat; so only what exceeds that leaves any.
    without = rows * ((width - 2) // 2 if width % 2 else width // 2)
    assert len(singles(hall, free)) == max(0, pairs - without)


def test_pairs_that_come_and_go_leave_no_single_seat_while_there_is_another_place() -> None:
    hall, draws = Hall.from_plan(1, plan(20, 11)), random.Random(5)
    seats, free, sold = FreeSeats(hall, ()), set(hall.seats), list[tuple[str, ...]]()
    for _ in range(1_000):
        if sold and draws.random() < 0.4:
            back = sold.pop(draws.randrange(len(sold)))
            free |= set(back)
            for label in back:
                seats.mark_free(label)
            continue
        pair = seats.best(2, together=True, rules=1)
        if pair is None:
            continue
        before = singles(hall, free)
        if singles(hall, free - set(pair)) - before:
            assert all(singles(hall, free - set(other)) - before for other in adjacent(hall, free, 2, None))
        free -= set(pair)
        sold.append(pair)
        for label in pair:
            seats.mark_taken(label)
    assert sold


def test_a_row_further_back_is_taken_rather_than_a_single_seat_left() -> None:
    hall = Hall.from_plan(1, plan(2, 3))

    assert FreeSeats(hall, ["B1"]).best(2, rules=1) == ("B2", "B3")
    assert FreeSeats(hall, ["B1"]).best(2) == ("A1", "A2"), "by the older rules, the first row"
    assert FreeSeats(hall, ["A2"]).best(1, rules=1) == ("A1",), "one buyer takes a seat that is single already"


def test_the_middle_comes_first_where_it_leaves_no_single_seat() -> None:
    hall = Hall.from_plan(1, plan(2, 9))

    assert FreeSeats(hall, ()).best(3, rules=1) in (("A3", "A4", "A5"), ("A5", "A6", "A7")), "two even stretches"
    assert FreeSeats(hall, ()).best(2, rules=1) in (("A4", "A5"), ("A5", "A6"))
    eight = Hall.from_plan(1, plan(1, 8))
    assert FreeSeats(eight, ()).best(2, rules=1) in (("A3", "A4"), ("A5", "A6")), "two even stretches, not 3 and 3"


def test_a_free_neighbour_of_another_category_is_no_single_seat_left() -> None:
    hall = hall_of([(5, [], 3)])

    assert FreeSeats(hall, ()).best(2, Pick.of("premium"), rules=1) == ("A1", "A2")


def test_in_a_hall_of_odd_and_even_numbers_neighbours_are_neighbours_by_place() -> None:
    odd, even = {"first": 5, "last": 1, "step": -2}, {"first": 2, "last": 6, "step": 2}
    blocks = [{**each, "category": "a"} for each in (odd, even)]
    hall = Hall.from_plan(1, {"format": 2, "rows": [{"label": "A", "blocks": blocks}]})

    assert list(hall.seats) == ["A5", "A3", "A1", "A2", "A4", "A6"]
    assert FreeSeats(hall, ()).best(2, together=True, rules=1) in (("A3", "A1"), ("A1", "A2"), ("A2", "A4"))
    assert not are_apart(hall, ("A2", "A1"))
    assert are_apart(hall, ("A1", "A4"))


def test_an_aisle_or_another_row_sets_seats_apart() -> None:
    hall = hall_of([(4, [2], 0), (4, [], 0)])

    assert not are_apart(hall, ("A2", "A1"))
    assert are_apart(hall, ("A2", "A3"))
    assert are_apart(hall, ("A4", "B4"))
    assert not are_apart(hall, ("A4",))


def test_accessible_places_are_chosen_only_if_asked_for() -> None:
    blocks = [
        {"seats": ["W1", "W2"], "category": "a", "kind": "wheelchair"},
        {"first": 1, "last": 3, "category": "a"},
    ]
    hall = Hall.from_plan(1, {"format": 2, "rows": [{"label": "A", "blocks": blocks}]})
    seats = FreeSeats(hall, ())

    assert seats.best(4, rules=1) is None
    assert seats.best(2, Pick(None, accessible=True), rules=1) == ("A-W1", "A-W2")
    assert seats.best(3, Pick(None, accessible=True), rules=1) is None


def test_the_pick_of_all_counts_every_free_seat() -> None:
    hall = Hall.from_plan(1, plan(2, 3))

    assert FreeSeats(hall, ["A1"]).count(ANY) == 5
