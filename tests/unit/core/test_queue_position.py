"""Queue positions: estimates, poll intervals, and the total poll rate of a long queue."""

from __future__ import annotations

from collections import Counter

import pytest

from core import queue_position
from core.queue_position import BATCH_MS, DELAYED_MS, LONG_LINE, POLL_MAX_MS, POLL_MIN_MS, Meter
from db.kv import meters

NOW = 1_800_000_000_000
#: Statuses that a long line may ask for, a second.
MOST_POLLS = 500.0


def meter(waiting: int, rate: float = 0.0, quiet_ms: int = 0) -> Meter:
    """Return the meter of a lane with 10 decided tickets."""
    return Meter("e", 10, rate, 10 + waiting, quiet_ms, NOW)


def polls_per_s(waiting: int, rate: float, quiet_ms: int) -> float:
    """Return the polls per second of all waiting clients, if each polls at its present interval."""
    lane = meter(waiting, rate, quiet_ms)
    return sum(1000 / queue_position.locate(10 + position, lane).poll_after_ms for position in range(1, waiting + 1))


def test_the_position_counts_down_and_is_never_below_one() -> None:
    unknown = queue_position.QueuePosition(6, None, queue_position.POLL_UNKNOWN_MS)
    assert queue_position.locate(16, meter(6)) == unknown
    assert queue_position.locate(10, meter(0, 100.0)).position == 1
    assert queue_position.locate(1010, meter(1000, 100.0)).eta_ms == 10_000 + BATCH_MS
    assert queue_position.locate(1010, meter(1000, 100.0)).poll_after_ms == POLL_MAX_MS
    assert queue_position.locate(11, meter(1, 10_000.0)).poll_after_ms == BATCH_MS + BATCH_MS // 8


def test_a_client_alone_in_the_queue_polls_as_soon_as_it_can_be_decided() -> None:
    assert queue_position.locate(11, meter(1, 2_000.0)).poll_after_ms <= BATCH_MS + BATCH_MS // 8
    assert queue_position.locate(30, meter(20, 1e9)).poll_after_ms == BATCH_MS + BATCH_MS // 8 >= POLL_MIN_MS


@pytest.mark.parametrize("quiet_ms", [0, 900, DELAYED_MS - 1])
def test_the_estimate_is_no_shorter_than_the_time_since_the_last_decision(quiet_ms: int) -> None:
    here = queue_position.locate(11, meter(1, 1_000.0, quiet_ms))

    assert here.eta_ms is not None
    assert here.eta_ms >= quiet_ms
    assert here.poll_after_ms >= quiet_ms
    assert not here.delayed


@pytest.mark.parametrize("rate", [0.0, 1_000.0])
def test_a_stopped_lane_gives_no_estimate_and_is_delayed(rate: float) -> None:
    here = queue_position.locate(11, meter(1, rate, DELAYED_MS))

    assert (here.eta_ms, here.delayed) == (None, True)
    assert here.poll_after_ms == DELAYED_MS
    assert queue_position.locate(11, meter(1, rate, 3_600_000)).poll_after_ms == POLL_MAX_MS


@pytest.mark.parametrize("rate", [0.0, 1.0, 20.0, 300.0, 1_000.0, 4_000.0, 20_000.0, 1e9])
@pytest.mark.parametrize("quiet_ms", [0, 100, 2_000, DELAYED_MS - 1, DELAYED_MS, 30_000, 3_600_000])
def test_a_long_queue_never_polls_above_its_limit(rate: float, quiet_ms: int) -> None:
    assert polls_per_s(LONG_LINE, rate, quiet_ms) <= MOST_POLLS


@pytest.mark.parametrize("waiting", [1, 30, 700, 2_500, 12_000, 25_000])
@pytest.mark.parametrize("quiet_ms", [DELAYED_MS, 3_600_000])
def test_a_stopped_queue_of_any_length_polls_within_the_limit(waiting: int, quiet_ms: int) -> None:
    assert polls_per_s(waiting, 1_000.0, quiet_ms) <= MOST_POLLS


def test_a_crowd_that_polls_as_told_stays_within_the_limit_while_the_lane_is_stopped() -> None:
    """Each client follows its poll interval for five minutes after the last batch was decided."""
    asked = Counter[int]()
    for position in range(1, LONG_LINE + 1):
        at_ms = queue_position.locate(10 + position, meter(LONG_LINE, 1_000.0)).poll_after_ms
        while at_ms < 300_000:
            asked[at_ms // 1000] += 1
            at_ms += queue_position.locate(10 + position, meter(LONG_LINE, 1_000.0, at_ms)).poll_after_ms

    assert sum(asked.values()) / 300 <= MOST_POLLS
    assert max(asked.values()) <= 2 * MOST_POLLS, "those who came together do not come back together"


def test_in_a_short_moving_queue_clients_poll_when_it_is_their_turn() -> None:
    lane = meter(2_500, 1_500.0)
    for position in (1, 100, 2_500):
        here = queue_position.locate(10 + position, lane)
        assert here.eta_ms is not None
        assert here.poll_after_ms <= max(1.2 * here.eta_ms, 2 * POLL_MIN_MS)


def test_a_hold_is_polled_at_its_deadline_and_then_less_and_less_often() -> None:
    assert queue_position.poll_of_hold(NOW + 120_000, NOW) == POLL_MAX_MS
    assert queue_position.poll_of_hold(NOW + 3_000, NOW) == 3_000
    asked, at = [], NOW
    for _ in range(6):
        asked.append(queue_position.poll_of_hold(NOW, at))
        at += asked[-1]
    assert asked == [1_000, 1_000, 2_000, 4_000, 8_000, POLL_MAX_MS]


@pytest.mark.parametrize(
    ("lane", "seconds"),
    [(meter(20_000, 1_000.0), 5), (meter(20_000, 100.0), 50), (meter(20_000, 1.0), 60), (meter(8, 100.0), 2),
     (meter(8), 2), (meter(8, 100.0, 17_500), 18), (Meter(), 2)],
)  # fmt: skip
def test_refused_requests_are_retried_when_a_quarter_of_the_lane_is_decided(lane: Meter, seconds: int) -> None:
    assert queue_position.come_again_s(lane) == seconds


def test_quiet_time_counts_from_the_last_decision_or_the_first_waiting_entry() -> None:
    def quiet(served: int, served_at: int | None, waits_since: int | None) -> int:
        read = meters.read(["e", str(served), "10.0", "9", served_at, waits_since], NOW)
        return read.quiet_ms

    assert quiet(5, NOW - 700, NOW - 9_000) == 700
    assert quiet(5, NOW - 9_000, NOW - 700) == 700, "it slept before: nothing waited"
    assert quiet(0, None, NOW - 700) == 700, "nothing has ever been decided"
    assert quiet(9, NOW - 9_000, NOW - 9_500) == 0, "nothing waits"
    assert quiet(5, NOW + 50, NOW - 9_000) == 0, "the clock was set back"
    assert meters.read([None] * 6, NOW) == Meter(now_ms=NOW)
