"""Counts in memory: none is lost or counted twice, and they reach the metrics without a scrape."""

from __future__ import annotations

import time
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from api.web import metrics, tally
from api.web.tally import Tally
from proof.kit.waiting import until

BOUNDS = (0.001, 0.5, 10.0)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


class Hesitant(Counter):
    """A counter that lets other threads run whenever it is hashed."""

    def __hash__(self) -> int:
        time.sleep(0)
        return id(self)


def in_threads(number: int, call: object) -> None:
    threads = [Thread(target=call) for _ in range(number)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_count_is_lost_while_threads_count_and_hand_over(registry: CollectorRegistry) -> None:
    counter, counted = Hesitant("a_total", "A.", registry=registry), Tally(BOUNDS)
    histogram = Histogram("b", "B.", buckets=BOUNDS, registry=registry)

    def count() -> None:
        for number in range(2_000):
            counted.count(counter)
            counted.observe(histogram, 0.25)
            if number % 100 == 0:
                counted.hand_over()

    in_threads(4, count)
    counted.hand_over()

    assert registry.get_sample_value("a_total") == 8_000
    assert registry.get_sample_value("b_count") == 8_000
    assert registry.get_sample_value("b_sum") == 2_000


def test_observations_in_bulk_equal_one_observe_each() -> None:
    at_once, one_by_one = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("b", "B.", buckets=BOUNDS, registry=at_once)
    other = Histogram("b", "B.", buckets=BOUNDS, registry=one_by_one)
    counted = Tally(BOUNDS)

    for seconds in (0.0, 0.0009, *BOUNDS, 0.75, 10.000001, 1e9, -0.5):
        counted.observe(histogram, seconds)
        other.observe(seconds)
    counted.hand_over()

    before_created = [text.partition(b"# HELP b_created")[0] for text in map(generate_latest, (at_once, one_by_one))]
    assert before_created[0] == before_created[1]


def test_counts_are_handed_over_only_once(registry: CollectorRegistry) -> None:
    counter, counted = Counter("a_total", "A.", registry=registry), Tally(BOUNDS)

    for expected in (1, 2):
        counted.count(counter)
        counted.hand_over()
        counted.hand_over()
        assert registry.get_sample_value("a_total") == expected


def test_counts_are_handed_over_without_a_scrape(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "EVERY_S", 0.01)
    counter, counted = Counter("a_total", "A.", registry=registry), Tally(BOUNDS)

    for expected in (1, 2):
        counted.count(counter)
        until(lambda expected=expected: registry.get_sample_value("a_total") == expected)


def test_a_failed_hand_over_does_not_end_the_thread(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "EVERY_S", 0.01)
    said: list[str] = []
    monkeypatch.setattr(tally.log, "error", lambda event, **_: said.append(event))
    counter, counted = Counter("a_total", "A.", registry=registry), Tally(BOUNDS)
    broken = Counter("c_total", "C.", registry=registry)
    monkeypatch.setattr(broken, "inc", lambda _: 1 / 0)

    counted.count(broken)
    until(lambda: said)
    counted.count(counter)
    until(lambda: registry.get_sample_value("a_total") == 1)

    assert said == ["metrics_not_handed_over"]


def test_a_scrape_hands_over_first_and_has_both_ways() -> None:
    def value(name: str) -> float:
        text = metrics.exposition(None, 0, 30.0).decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    names = ('onsale_http_ways_total{way="fast"}', 'onsale_http_ways_total{way="threads"}')
    before = [value(name) for name in names]
    metrics.way("fast")
    metrics.way("threads")
    metrics.way("fast")

    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [2, 1]
