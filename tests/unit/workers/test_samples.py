"""A sample's rates, lanes and shows, and what a worker says about itself."""

from __future__ import annotations

from typing import Any

import pytest

from api.admin.show_figures import sold_since
from core.queue_position import Meter
from core.shows import ShowSettings
from db.kv.lanes import LaneState
from db.kv.workers_alive import WorkerState
from db.postgres.shows import ShowRow
from workers import activity
from workers.activity import Activity
from workers.samples import MOST_LANES, sample

SETTINGS = ShowSettings(sales_close_ms=1, starts_ms=1, seats_per_user=1, hold_ms=1, prices={})


def lane(number: int, depth: int, ticket: int) -> LaneState:
    return LaneState(number, depth, 10 * depth, None, 5.0, Meter(ticket=ticket, served=ticket - depth))


def row(id_: int, sold: int, version: int = 1) -> ShowRow:
    return ShowRow(id_, 1, SETTINGS, 100, 0, sold, version)


def taken(
    accepted: int, refused: dict[str, int], before: dict[str, Any] | None = None, now_s: float = 100.0
) -> dict[str, Any]:
    return sample([lane(0, 0, accepted), lane(1, 4, 4)], [], refused, before, now_s)


def test_rates_are_those_since_the_sample_before() -> None:
    first = taken(100, {"sold_out": 7})
    second = taken(130, {"sold_out": 7, "seat_taken": 5}, first, 102.0)

    assert first["per_s"] is None
    assert second["per_s"] == {"accepted": 15.0, "decided": 15.0, "refused": {"seat_taken": 2.5}}
    assert second["totals"] == {"accepted": 134, "decided": 130, "refused": {"sold_out": 7, "seat_taken": 5}}
    assert (second["depth"], second["oldest_age_ms"], second["lanes"]) == (4, 40, [[1, 4, 40, 5.0]])


@pytest.mark.parametrize("later_s", [0.0, -5.0, 10.5])
def test_a_sample_long_ago_or_of_another_clock_gives_no_rates(later_s: float) -> None:
    assert taken(130, {}, taken(100, {}), 100.0 + later_s)["per_s"] is None


def test_totals_that_began_at_zero_again_give_no_negative_rates() -> None:
    assert taken(10, {"x": 1}, taken(1_000, {"x": 50}), 101.0)["per_s"] == {
        "accepted": 14.0, "decided": 10.0, "refused": {"x": 1.0},
    }  # fmt: skip


def test_a_sample_is_bounded_whatever_the_number_of_lanes() -> None:
    states = [lane(number, number, number) for number in range(1_024)]

    found = sample(states, [], {}, None, 1.0)["lanes"]

    assert [each[0] for each in found] == list(range(1_023, 1_023 - MOST_LANES, -1))


def test_of_a_show_that_two_workers_name_the_newest_version_counts() -> None:
    workers = [
        WorkerState("a", 0, {"shows": [[7, 3, 100, 1, 20, 5]]}),
        WorkerState("b", 0, {"shows": [[7, 4, 100, 0, 21, 20], [8, 1, 10, 0, 0, 0]]}),
        WorkerState("older version", 0, {}),
    ]

    assert sample([], workers, {}, None, 1.0)["shows"] == [[7, 100, 0, 21, 20], [8, 10, 0, 0, 0]]


def test_a_worker_names_its_drains_and_the_shows_decided_about_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "MOST_SHOWS", 2)
    doing = Activity()
    doing.begin(3, "token")
    doing.batch(3, 10, 11, [row(1, 5), row(2, 6)], {1: 4, 2: 6})
    doing.batch(3, 2, 2, [row(1, 9, 2), row(3, 1)], {1: 5, 3: 0})

    said = doing.to_json()

    [turn] = said["lanes"]
    assert (turn["lane"], turn["token"], turn["batch"], turn["decided"]) == (3, "token", 2, 13)
    assert said["shows"] == [[1, 2, 100, 0, 9, 4], [3, 1, 100, 0, 1, 0]]
    doing.end(3, "of a drain that lost its lease")
    assert doing.to_json()["lanes"]
    doing.end(3, "token")
    assert doing.to_json()["lanes"] == []


def test_a_show_that_is_quiet_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    doing = Activity()
    doing.batch(0, 1, 1, [row(1, 1)], {})
    monkeypatch.setattr(activity, "SHOWS_S", 0.0)

    assert doing.to_json()["shows"] == []
    assert doing.to_json()["shows"] == []


def test_what_was_sold_in_a_minute_is_counted_from_its_beginning() -> None:
    def at(*shows: list[int]) -> tuple[int, dict[str, Any]]:
        return 0, {"shows": shows}

    assert sold_since([], 7, 50) is None
    assert sold_since([at(), at()], 7, 50) == 0
    assert sold_since([at([7, 100, 0, 20, 3]), at([7, 100, 0, 40, 3])], 7, 50) == 30
    assert sold_since([at([8, 100, 0, 20, 3]), at([7, 100, 0, 40, 3])], 7, 50) == 47
    assert sold_since([at([7, 100, 0, 20, 3])], 7, 18) == -2
