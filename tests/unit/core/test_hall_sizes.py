"""Halls of format 2 take memory for their rows, and time for nothing but arithmetic."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from core.halls import Hall
from core.plans import MAX_SEATS
from proof.bench.halls import plan as large_plan
from tests.unit.core.test_plans_by_place import by_place


def odd_and_even() -> dict[str, Any]:
    """Return a plan of 200 rows of 1,000 seats, odd numbers on the left and even ones on the right."""
    blocks = [
        {"first": 999, "last": 1, "step": -2, "category": "standard"},
        {"first": 2, "last": 1_000, "step": 2, "category": "standard"},
    ]
    return {"format": 2, "rows": [{"label": str(row + 1), "blocks": blocks} for row in range(200)]}


@pytest.mark.parametrize("plan", [{"format": 2, **large_plan(MAX_SEATS)}, odd_and_even()], ids=["rising", "odd/even"])
def test_a_stadium_takes_memory_for_its_rows_only(plan: dict[str, Any]) -> None:
    tracemalloc.start()
    try:
        hall = Hall.from_plan(1, plan)
        assert hall.find(hall.rows[0].seat_label(0)) is not None
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(hall.seats) == MAX_SEATS
    assert taken < 500_000
    assert taken / 3 < hall.size < taken * 3, "what bounds the memory of processes must be near the truth"


def test_names_count_in_the_size_of_a_hall() -> None:
    rows = [by_place({"seats": [f"W{n}" for n in range(1, 1_000)]}, label=str(row))["rows"][0] for row in range(20)]
    tracemalloc.start()
    try:
        hall = Hall.from_plan(1, {"format": 2, "rows": rows})
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert taken / 3 < hall.size < taken * 3


def test_a_row_of_many_blocks_is_searched_at_once() -> None:
    """One block after the other, a show with all its seats taken would take minutes to load."""
    blocks = [{"first": number, "last": number} for number in range(9_999, 0, -1)]
    hall = Hall.from_plan(1, by_place(*blocks))
    began = time.process_time()

    assert all(hall.find(f"A{number}") for number in range(1, 10_000))
    assert time.process_time() - began < 1
