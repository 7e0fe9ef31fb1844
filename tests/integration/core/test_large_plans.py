"""The plan of an arena, from both kinds of files. It takes seconds: too long for the unit tests of each commit."""

from __future__ import annotations

import json

from core.csv_plans import read_csv
from core.pretix_plans import read_pretix
from tests.support.arena import arena_csv, arena_pretix
from tests.support.best_seats import best_seats


def test_an_arena_of_100_000_seats_is_compact_and_the_same_from_both_files() -> None:
    arena = read_csv(arena_csv())

    assert arena.hall.capacity == 100_000
    assert len(arena.hall.sections) == 50
    assert best_seats(arena.hall, 2, "upper") == ("101-21-24", "101-21-25")
    assert arena.hall.rows[0].runs == (0, 25)
    assert len(json.dumps(arena.plan)) < 600_000
    assert arena.hall.size < 1_500_000
    small = {"blocks": 4, "rows": 4, "seats": 10}
    assert (
        read_pretix(json.dumps(arena_pretix(**small)).encode()).plan["rows"]
        == read_csv(arena_csv(**small)).plan["rows"]
    )
