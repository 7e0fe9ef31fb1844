"""The cache of recent values: bounded by weight; each value is made once, by one of many threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import RedisUnavailable
from core.recent import Recent
from proof.kit.waiting import until


def test_the_least_recently_used_values_are_evicted() -> None:
    recent: Recent[str, int] = Recent(10, lambda value: value)
    for name, weight in {"a": 4, "b": 4}.items():
        recent.put(name, weight)
    assert recent.get("a") == 4

    recent.put("c", 3)

    assert [recent.get(name) for name in "abc"] == [4, None, 3]


def test_a_value_that_is_put_again_weighs_once() -> None:
    recent: Recent[str, int] = Recent(10, lambda value: value)
    recent.put("a", 5)
    for _ in range(5):
        recent.put("b", 5)

    assert (recent.get("a"), recent.get("b")) == (5, 5)


def test_one_that_is_too_heavy_is_kept_alone() -> None:
    recent: Recent[str, int] = Recent(10, lambda value: value)
    recent.put("a", 1)
    recent.put("b", 11)

    assert (recent.get("a"), recent.get("b")) == (None, 11)


def asked_at_once(recent: Recent[str, int], threads: int, error: Exception | None = None) -> tuple[list[object], int]:
    """Let this many threads call while the first makes the value; return their results, and how often it was made."""
    begun, waiting, made = threading.Event(), threading.Semaphore(0), []

    def make() -> int:
        made.append(threading.get_ident())
        begun.set()
        until(lambda: waiting._value == threads - 1)  # type: ignore[attr-defined]
        if error is not None:
            raise error
        return 7

    def ask(number: int) -> object:
        if number:
            begun.wait(10)
            waiting.release()
        try:
            return recent.get_or_make("a", make)
        except RedisUnavailable as raised:
            return raised

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(ask, range(threads))), len(made)


def test_one_of_many_concurrent_callers_makes_the_value() -> None:
    recent: Recent[str, int] = Recent(10)

    assert asked_at_once(recent, 16) == ([7] * 16, 1)
    assert recent._making == {}


def test_an_error_is_raised_in_all_waiting_threads_and_the_next_call_tries_again() -> None:
    recent: Recent[str, int] = Recent(10)
    error = RedisUnavailable()

    told, _ = asked_at_once(recent, 4, error)

    assert error in told
    assert all(isinstance(each, RedisUnavailable) for each in told)
    assert recent.get_or_make("a", lambda: 8) == 8
    with pytest.raises(RedisUnavailable):
        recent.get_or_make("b", lambda: (_ for _ in ()).throw(error))
