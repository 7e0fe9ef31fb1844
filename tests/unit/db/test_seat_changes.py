"""The messages about changed seats, as finish.lua composes them."""

from __future__ import annotations

import pytest

from core.seat_states import AVAILABLE, HELD, SOLD, Step
from db.kv import seat_changes
from db.kv.seat_changes import SeatChange


def test_a_message_says_what_a_batch_has_changed() -> None:
    taken = "4 1700000000 5 0 17 4294967295"

    assert seat_changes.parse(f"7 8 0 {taken}") == SeatChange(Step(7, 8, {4: HELD, 5: AVAILABLE, 17: SOLD}), False)


def test_a_change_of_settings_may_change_no_seat() -> None:
    assert seat_changes.parse("7 8 1 ") == SeatChange(Step(7, 8, {}), True)


@pytest.mark.parametrize(
    "message", ["", "7 8", "7 8 2 ", "7 8 0 4", "7 8 0 4 x", "a 8 0 ", "7 8 0 4 5 6", "7 -8 0 ", "7  8 0 "]
)
def test_what_is_no_message_of_ours_is_ignored(message: str) -> None:
    assert seat_changes.parse(message) is None
