"""Refusals are counted in memory, and handed over to Redis: none twice, and none lost while Redis is unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from api.web import refusal_counts
from api.web.refusal_counts import RefusalCounts
from core.errors import AcceptUnknown, RedisUnavailable
from db.kv.rounds import Command, Rounds


class Redis:
    """Adds up the increments that it is sent; `fails`: raise this instead."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.counted: dict[tuple[str, str], int] = {}

    def call(self, commands: Sequence[Command], *, writes: bool) -> list[Any]:
        assert writes
        if self.fails is not None:
            raise self.fails
        for name, key, *rest in commands:
            if name == "HINCRBY":
                field = (str(key), str(rest[0]))
                self.counted[field] = self.counted.get(field, 0) + int(rest[1])
        return []


def hand_over(counts: RefusalCounts, redis: Redis) -> int:
    return counts.hand_over(cast(Rounds, redis))


def test_counts_are_added_by_reason_and_by_show() -> None:
    counts, redis = RefusalCounts(), Redis()
    for show_id, reason in ((7, "sold_out"), (7, "sold_out"), (8, "sold_out"), (0, "lane_full")):
        counts.count(show_id, reason)

    assert hand_over(counts, redis) == 4
    assert hand_over(counts, redis) == 0

    assert redis.counted == {
        ("onsale:refused", "sold_out"): 3, ("onsale:refused:7", "sold_out"): 2, ("onsale:refused:8", "sold_out"): 1,
        ("onsale:refused", "lane_full"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(("error", "later"), [(RedisUnavailable(), 1), (AcceptUnknown(), 0)])
def test_what_surely_did_not_arrive_is_sent_again(error: Exception, later: int) -> None:
    counts, redis = RefusalCounts(), Redis()
    counts.count(7, "sold_out")
    redis.fails = error
    with pytest.raises(type(error)):
        hand_over(counts, redis)
    redis.fails = None

    assert hand_over(counts, redis) == later


def test_memory_is_bounded_and_no_refusal_uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_counts, "MOST", 10)
    counts, redis = RefusalCounts(), Redis()
    for show_id in range(1, 101):
        counts.count(show_id, "sold_out")

    assert hand_over(counts, redis) == 100
    assert redis.counted[("onsale:refused", "sold_out")] == 100
    assert len(redis.counted) == 11
