"""Halls: the same seats and the same best seats as in a model with an object per seat."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.halls import Hall
from core.plans import MAX_SEATS
from core.rows import Seat
from core.seats import FreeSeats, Pick
from proof.bench.halls import plan as large_plan


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Generate small plans with all features: skipped numbers, aisles anywhere, two categories."""
    rows = []
    for label in draw(st.sampled_from(["A", "AB", "BA"])), "C", "D":
        blocks, last = [], 0
        for skip, length, category in draw(
            st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.sampled_from("ab")), min_size=1, max_size=4)
        ):
            first, last = last + skip, last + skip + length
            blocks.append({"first": first, "last": last, "category": category})
        aisles = draw(st.lists(st.integers(-1, last + 1), max_size=3))
        rows.append({"label": label, "blocks": blocks, "aisles": aisles})
    return {"rows": rows}


def plainly(plan: dict[str, Any]) -> list[list[Seat]]:
    """Return every seat of a plan, one after the other."""
    rows: list[list[Seat]] = []
    count = 0
    for index, row in enumerate(plan["rows"]):
        seats: list[Seat] = []
        run = previous = 0
        for block in row["blocks"]:
            for number in range(block["first"], block["last"] + 1):
                if seats and (number != previous + 1 or previous in row["aisles"]):
                    run += 1
                seats.append(Seat(f"{row['label']}{number}", block["category"], index, len(seats), run, count))
                count, previous = count + 1, number
        rows.append(seats)
    return rows


class Plainly:
    """Best available as existing journals depend on it, computed with plain lists."""

    def __init__(self, rows: list[list[Seat]], taken: set[str]) -> None:
        self.rows = rows
        self.taken = taken

    def free(self, row: list[Seat], category: str | None) -> list[Seat]:
        return [seat for seat in row if seat.label not in self.taken and category in (None, seat.category)]

    def runs(self, row: list[Seat], category: str | None) -> Iterator[list[Seat]]:
        stretch: list[Seat] = []
        for seat in self.free(row, category):
            if stretch and (seat.column != stretch[-1].column + 1 or seat.run != stretch[-1].run):
                yield stretch
                stretch = []
            stretch.append(seat)
        if stretch:
            yield stretch

    def best(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        for row in self.rows:
            found = []
            for stretch in self.runs(row, category):
                for start in range(len(stretch) - quantity + 1):
                    singles = (start == 1) + (len(stretch) - start - quantity == 1)
                    off_centre = abs(stretch[start].column + (quantity - 1) / 2 - (len(row) - 1) / 2)
                    found.append((singles, off_centre, stretch[start].column, stretch[start : start + quantity]))
            if found:
                return tuple(seat.label for seat in min(found, key=lambda each: each[:3])[3])
        return self.nearest(quantity, category)

    def nearest(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        for height in range(1, len(self.rows) + 1):
            for first in range(len(self.rows) - height + 1):
                free = [seat for row in self.rows[first : first + height] for seat in self.free(row, category)]
                if len(free) >= quantity:
                    free.sort(key=lambda seat: (seat.column, seat.row))
                    starts = range(len(free) - quantity + 1)
                    spans = [free[at + quantity - 1].column - free[at].column for at in starts]
                    at = spans.index(min(spans))
                    near = sorted(free[at : at + quantity], key=lambda seat: (seat.row, seat.column))
                    return tuple(seat.label for seat in near)
        return None


@given(plans())
def test_a_plan_gives_the_seats_that_it_names(plan: dict[str, Any]) -> None:
    hall, seats = Hall.from_plan(1, plan), {seat.label: seat for row in plainly(plan) for seat in row}

    assert dict(hall.seats.items()) == seats
    assert hall.capacity == len(hall.seats) == len(seats)
    assert hall.categories == {seat.category for seat in seats.values()}
    assert [hall.seat_index(label) for label in seats] == list(range(len(seats)))
    assert [hall.category(label) for label in seats] == [seat.category for seat in seats.values()]
    for label in ("", "A", "C", "C0", "C01", "C٣", "C1 ", "1", "c1", "C1C1", "C" + "9" * 5_000, "E1", 1, None):
        assert (label in hall.seats) == (label in seats)


@given(plans(), st.data())
def test_the_best_seats_never_change(plan: dict[str, Any], data: st.DataObject) -> None:
    """If `decide` chose other seats than before, existing journals would not replay."""
    rows = plainly(plan)
    labels = [seat.label for row in rows for seat in row]
    taken = set(data.draw(st.lists(st.sampled_from(labels), unique=True), label="taken"))
    seats, expected = FreeSeats(Hall.from_plan(1, plan), taken), Plainly(rows, taken)
    quantities = st.tuples(st.integers(1, 6), st.sampled_from([None, "a", "b"]), st.sampled_from(labels))

    for quantity, category, released in data.draw(st.lists(quantities, min_size=1, max_size=5), label="asked"):
        best = seats.best(quantity, Pick.of(category))
        assert best == expected.best(quantity, category)
        for label in best or ():
            seats.mark_taken(label)
            taken.add(label)
        seats.mark_free(released)
        taken.discard(released)


def test_a_stadium_takes_memory_for_its_rows_only() -> None:
    """With an object per seat, five halls of 200,000 seats took 650 MB for ever, and 16 threads built each."""
    plan = large_plan(MAX_SEATS)
    tracemalloc.start()
    try:
        hall = Hall.from_plan(1, plan)
        assert "A1" in hall.seats
        assert hall.seat_index("A2") == 1
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(hall.seats) == MAX_SEATS
    assert taken < 500_000
    assert taken / 3 < hall.size < taken * 3, "what bounds the memory of processes must be near the truth"


def test_most_of_a_stadium_is_free_at_no_cost() -> None:
    tracemalloc.start()
    try:
        seats = FreeSeats(Hall.from_plan(1, large_plan(MAX_SEATS)), ())
        assert seats.best(2) == ("A500", "A501")
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken < 1_000_000
