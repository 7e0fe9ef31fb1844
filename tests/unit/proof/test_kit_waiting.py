"""Waiting returns once the condition is true, and otherwise says what was waited for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from proof.kit import waiting
from proof.kit.waiting import LONGEST_TICK_S, TICK_S, TimedOut, until, within


def test_a_condition_is_checked_until_it_is_true() -> None:
    answers = iter([False, False, True])

    until(lambda: next(answers))

    assert list(answers) == []


def test_a_condition_that_stays_false_is_named() -> None:
    with pytest.raises(TimedOut, match=r"Not within 0\.02 s: the end of it"):
        until(lambda: False, 0.02, "the end of it")
    with pytest.raises(TimedOut, match="made when it is needed"):
        until(lambda: False, 0.0, lambda: "made when it is needed")


def test_within_returns_whether_it_became_true() -> None:
    assert within(lambda: True, 0.0)
    assert not within(lambda: False, 0.01)


def test_a_long_wait_checks_less_often_but_notices_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, pauses = [0.0], list[float]()

    class Pause:
        def wait(self, seconds: float) -> None:
            pauses.append(seconds)
            now[0] += seconds

    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(waiting, "Event", Pause)

    assert within(lambda: now[0] >= 2.0, 10.0)

    assert 2.0 <= now[0] <= 2.0 * 1.04
    assert pauses[0] == TICK_S
    assert pauses == sorted(pauses)
    assert not within(lambda: False, 100.0)
    assert max(pauses) == LONGEST_TICK_S
