"""Forecasts: when lanes are drained, and how many workers are enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.forecast import LaneLoad, drained_in_s, forecast


def loads(*lanes: tuple[int, float]) -> list[LaneLoad]:
    return [LaneLoad(number, depth, rate) for number, (depth, rate) in enumerate(lanes)]


def test_a_lane_is_drained_at_its_own_rate() -> None:
    assert drained_in_s(LaneLoad(0, 500, 200.0)) == 2.5
    assert drained_in_s(LaneLoad(0, 0, 0.0)) == 0
    assert drained_in_s(LaneLoad(0, 500, 0.0)) is None


def test_all_are_drained_with_the_last_one() -> None:
    assert forecast(loads((500, 200.0), (100, 10.0), (0, 1.0)), 60).drained_in_s == 10


def test_a_lane_without_a_rate_leaves_the_end_open() -> None:
    assert forecast(loads((500, 200.0), (1, 0.0)), 60).drained_in_s is None


@pytest.mark.parametrize(
    ("lanes", "within_s", "workers"),
    [
        ([(0, 100.0)], 10, 0),
        ([(1_000, 1_000.0)], 10, 1),
        ([(10_000, 1_000.0), (10_000, 500.0)], 10, 2),
        ([(5_000, 1_000.0)] * 4, 10, 2),
        ([(5_100, 1_000.0)] * 4, 10, 3),
        ([(5_000, 0.0)] * 4, 10, None),
    ],
)
def test_workers_share_the_busy_lanes(lanes: list[tuple[int, float]], within_s: float, workers: int | None) -> None:
    assert forecast(loads(*lanes), within_s).workers_needed == workers


def test_no_number_of_workers_makes_one_lane_faster_than_one_writer() -> None:
    found = forecast(loads((10_001, 1_000.0), (10, 100.0)), 10)

    assert (found.workers_needed, found.too_deep) == (None, (0,))


@given(
    st.lists(st.tuples(st.integers(0, 100_000), st.floats(0, 50_000, allow_nan=False)), max_size=16),
    st.integers(1, 3_600),
)
def test_the_number_is_enough_and_never_exceeds_the_busy_lanes(lanes: list[tuple[int, float]], within_s: int) -> None:
    found = forecast(loads(*lanes), within_s)

    busy = sum(1 for depth, _ in lanes if depth)
    if found.workers_needed is not None:
        assert 0 <= found.workers_needed <= busy
        assert found.workers_needed == busy or found.depth <= found.workers_needed * found.writer_rate * within_s + 1
