"""Waiting returns once the condition is true, and otherwise says what was waited for."""

from __future__ import annotations

import pytest

from proof.kit.waiting import TimedOut, until, within


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
