"""The figures of frames that the seat map's measurement prints."""

from __future__ import annotations

import pytest

from proof.bench.seat_map_frames import figures


def test_figures_are_of_the_times_between_frames() -> None:
    times = [float(each * 10) for each in range(20)] + [290.0]

    assert figures(times) == {"frames_per_s": 69.0, "p50_ms": 10.0, "p95_ms": 10.0, "max_ms": 100.0}


def test_a_slow_frame_in_ten_is_in_the_95th_percentile() -> None:
    times = [0.0]
    for each in range(20):
        times.append(times[-1] + (50 if each % 10 == 0 else 16))

    assert figures(times)["p95_ms"] == 50.0
    assert figures(times)["p50_ms"] == 16.0


@pytest.mark.parametrize("times", [[], [5.0]])
def test_a_browser_that_draws_nothing_has_no_figures(times: list[float]) -> None:
    with pytest.raises(ValueError, match="fewer than two frames"):
        figures(times)
