"""The decided time of batches, and how the replay judges it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from core.times import STEP_MS, decided_ms

MS = st.integers(0, 6 * STEP_MS)


@given(MS, MS, MS)
@example(10_000, 15_000, 16_000)
def test_a_lanes_time_stays_or_advances_or_is_set_but_never_slips_back(now: int, accepted: int, last: int) -> None:
    """core/journal.py reports a time that slips back as a violation."""
    at = decided_ms(now, accepted, last)

    assert at >= last or at < last - STEP_MS
    assert now <= at <= now + 2 * STEP_MS


def test_a_step_back_of_the_clock_with_entries_in_the_lane() -> None:
    """The last batch was decided at 16.000; the clock goes back by 6 s, and an entry of 15.000 waits."""
    assert decided_ms(10_000, 15_000, 16_000) == 16_000
    assert decided_ms(10_000, 10_000, 16_000) == 10_000
