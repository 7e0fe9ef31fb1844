"""The goals, as pure functions of the measured series.

docs/performance.md explains each goal and its number. Values are ratios within one run wherever the machine's speed
would matter. Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from proof.bench.series import Figure, figure, ratio

Numbers = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal. `at_least`: the value must not be lower than `goal`; otherwise not higher."""

    name: str
    text: str
    goal: float
    at_least: bool
    read: Callable[[Numbers], Figure | None]

    def met(self, value: float) -> bool:
        """Return whether a value meets the goal."""
        return value >= self.goal if self.at_least else value <= self.goal


def _ratio(top: str, bottom: str) -> Callable[[Numbers], Figure | None]:
    return lambda series: ratio(series, top, bottom)


def _one(name: str) -> Callable[[Numbers], Figure | None]:
    return lambda series: figure(series.get(name, ()))


def _beside_one_worker(series: Numbers, *, what: str, worst: Callable[..., Figure]) -> Figure | None:
    """Return the worse ratio of 2 and of 4 workers to 1."""
    found = [ratio(series, f"workers {count} {what}", f"workers 1 {what}") for count in (2, 4)]
    known = [each for each in found if each]
    return worst(known, key=lambda each: each.value) if known else None


def in_order(series: Numbers) -> Figure | None:
    """Return the percentage of verified rounds without violations, the order of decisions included."""
    found = series.get("violations", ())
    share = 100.0 * sum(1 for count in found if count == 0) / len(found) if found else 0.0
    return Figure(share, share, share) if found else None


#: The loads of a booking in one request, and in two.
IN_ONE, IN_TWO = "POST with Prefer: wait", "POST, then ?wait="
WORST_CPU = partial(_beside_one_worker, what="us", worst=max)
WORST_RATE = partial(_beside_one_worker, what="rate", worst=min)

GOALS = (
    Goal("P1", "bookings/s, hot show, polled: onsale / sync", 10, True, _ratio("hot onsale+polls", "hot sync")),
    Goal("P1_unpolled", "the same without polls", 10, True, _ratio("hot onsale", "hot sync")),
    Goal("P2_20", "20 shows, polled: onsale / sync", 5, True, _ratio("20 onsale+polls", "20 sync")),
    Goal("P2_1000", "1,000 shows, polled: onsale / sync", 4, True, _ratio("1000 onsale+polls", "1000 sync")),
    Goal("P3_message", "hot show, polled: onsale / message", 8, True, _ratio("hot onsale+polls", "hot message")),
    Goal("P3_celery", "hot show, polled: onsale / celery", 8, True, _ratio("hot onsale+polls", "hot celery")),
    Goal("P4_rows", "drain alone, the transaction's rows / pgbench", 15, True, _ratio("drain rows", "pgbench")),
    Goal("P4_published", "drain alone, lane to status / pgbench", 8, True, _ratio("drain published", "pgbench")),
    Goal("P5", "CPU of an accepted POST / of hello, whole api", 2.5, False, _ratio("post api us", "hello api us")),
    Goal("P6", "CPU of a status GET / of hello, whole api", 2, False, _ratio("get api us", "hello api us")),
    Goal("P7_warm_p50", "submit to outcome at half of peak, p50, ms", 15, False, _one("warm p50")),
    Goal("P7_warm_p99", "submit to outcome at half of peak, p99, ms", 60, False, _one("warm p99")),
    Goal("P7_asleep_p50", "the same on a sleeping lane, p50, ms", 30, False, _one("asleep p50")),
    Goal("P7_asleep_p99", "the same on a sleeping lane, p99, ms", 80, False, _one("asleep p99")),
    Goal("P8_polls", "polls per booking in a rush", 3, False, _one("rush polls")),
    Goal("P8_postgres", "transactions of the api in that rush", 0, False, _one("rush transactions")),
    Goal("P9", "every loser answered: onsale / sync", 0.125, False, _ratio("losers onsale s", "losers sync s")),
    Goal("P10", "cost per booking, a larger step / a smaller one", 1.2, False, _one("scale")),
    Goal("P11", "rounds decided in the order of acceptance, %", 100, True, in_order),
    Goal("P12_cpu", "CPU per booking, 2 and 4 workers / 1", 1.1, False, WORST_CPU),
    Goal("P12_rate", "bookings/s, 2 and 4 workers / 1", 0.95, True, WORST_RATE),
    Goal("P13_rate", "bookings/s in one request / POST, then ?wait=", 1, True, _ratio(IN_ONE, IN_TWO)),
    Goal(
        "P13_p50",
        "their time to the outcome, p50",
        1,
        False,
        _ratio(f"{IN_ONE}: outcome p50", f"{IN_TWO}: outcome p50"),
    ),
    Goal("P14_list", "show list, requests/s", 1_000, True, _one("show list")),
    Goal("P14_states", "availability of 10,000 seats, requests/s", 1_500, True, _one("availability")),
    Goal("P15_map", "seat map of 10,000 seats / healthz, p95", 3, False, _ratio("seat map p95", "healthz p95")),
    Goal("P15_states", "its states / healthz, p95", 3, False, _ratio("states p95", "healthz p95")),
)


def judge(series: Numbers) -> dict[str, dict[str, Any]]:
    """Return the result by goal: value, goal, met, spread. Goals that were not measured are left out."""
    found = {}
    for goal in GOALS:
        read = goal.read(series)
        if read is not None:
            found[goal.name] = {
                "value": _short(read.value),
                "goal": goal.goal,
                "met": goal.met(read.value),
                "spread": [_short(read.least), _short(read.most)],
                "text": goal.text,
            }
    return found


def _short(value: float) -> float:
    return round(value, 3 if abs(value) < 10 else 1)
