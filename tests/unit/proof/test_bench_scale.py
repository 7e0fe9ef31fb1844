"""How the growth of a booking's cost is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proof.bench import scale
from proof.bench.goals import judge
from proof.bench.scale import FULL, MEASURED, QUICK, Cost, Step, growth


@pytest.mark.parametrize(
    ("costs", "grows"),
    [([100.0], 1.0), ([200.0, 100.0], 0.5), ([100.0, 110.0, 120.0], 1.2), ([300.0, 100.0, 150.0], 1.5)],
)
def test_a_dear_first_step_hides_no_growth_behind_it(costs: list[float], grows: float) -> None:
    assert growth(costs) == pytest.approx(grows)


def test_the_goal_is_missed_where_a_larger_step_costs_more() -> None:
    assert judge({"scale": [growth([100.0, 119.0])]})["P10"]["met"]
    assert not judge({"scale": [growth([300.0, 100.0, 121.0])]})["P10"]["met"]


@pytest.mark.parametrize("step", [step for rows in (FULL, QUICK) for steps in rows.values() for step in steps])
def test_every_step_has_the_seats_that_it_sells(step: Step) -> None:
    assert step.queued * step.fillings <= step.shows * step.seats
    assert step.fillings == 1 or step.queued * step.fillings <= MEASURED


def test_a_short_queue_is_filled_until_as_much_is_measured_as_of_a_long_one() -> None:
    assert Step(10, 100_000, 1_000).fillings == MEASURED // 1_000
    assert Step(10, 100_000, 1_000_000).fillings == 1


def test_rows_that_are_not_measured_stay_as_they_were_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "LATEST", tmp_path / "latest.json")
    assert scale.last_rows() == {}
    found = {"seats": [Cost(100.0, 150.0), Cost(110.0, 140.0)]}
    scale.keep(1.1, found)
    assert scale.last_rows() == found


def test_rows_of_time_alone_are_not_taken_for_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "LATEST", tmp_path / "latest.json")
    scale.LATEST.write_text(
        json.dumps({"goals": {}, "scale": {"value": 1.7, "us_per_booking": {"seats": [121, 205]}}})
    )
    assert scale.last_rows() == {}
