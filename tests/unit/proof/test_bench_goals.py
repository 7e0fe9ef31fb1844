"""The bench's arithmetic: medians, spreads, ratios, and how they meet a goal."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from proof.bench.contest import Result
from proof.bench.frontend_parts import all_read
from proof.bench.goals import GOALS, IN_ONE, IN_TWO, judge
from proof.bench.job import Done
from proof.bench.report import BEGIN, DOCUMENT
from proof.bench.series import Figure, figure, percentile, ratio
from proof.bench.servers import BenchFailed


def test_a_figure_is_the_median_with_least_and_most():
    assert figure([3.0, 1.0, 2.0]) == Figure(2.0, 1.0, 3.0)
    assert figure([]) is None


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds():
    series = {"top": [100.0, 300.0, 200.0], "bottom": [10.0, 20.0, 40.0]}

    assert ratio(series, "top", "bottom") == Figure(10.0, 5.0, 15.0)


@pytest.mark.parametrize("series", [{"top": [1.0]}, {"bottom": [1.0]}, {"top": [1.0], "bottom": [0.0]}])
def test_what_was_not_measured_has_no_ratio(series):
    assert ratio(series, "top", "bottom") is None


def test_a_percentile_is_the_nearest_rank():
    numbers = [float(number) for number in range(1, 201)]

    assert percentile(numbers, 50) == 100.0
    assert percentile(numbers, 99) == 198.0
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="Nothing"):
        percentile([], 50)


def test_the_page_explains_each_goal_with_its_number():
    written = DOCUMENT.read_text().partition(BEGIN)[0]
    rows = re.findall(r"^\| (P\w+) \| [^|]+ \| ([<>]=) ([0-9.]+) \| [^|]+ \|$", written, re.M)

    assert [(name, sign, float(number)) for name, sign, number in rows] == [
        (goal.name, ">=" if goal.at_least else "<=", goal.goal) for goal in GOALS
    ]


def test_names_of_goals_are_unique_and_cover_p1_to_p15():
    names = [goal.name for goal in GOALS]

    assert len(set(names)) == len(names)
    assert {name.partition("_")[0] for name in names} == {f"P{number}" for number in range(1, 16)}


def test_a_goal_is_judged_by_value_goal_and_direction():
    judged = judge({"hot onsale+polls": [3_000.0, 3_300.0], "hot sync": [300.0, 300.0], "rush polls": [3.5]})

    assert judged["P1"]["value"] == 10.5
    assert judged["P1"]["met"] is True
    assert judged["P1"]["spread"] == [10.0, 11.0]
    assert judged["P8_polls"] | {"text": ""} == {
        "value": 3.5,
        "goal": 3,
        "met": False,
        "spread": [3.5, 3.5],
        "text": "",
    }
    assert "P5" not in judged


def test_the_order_holds_only_if_every_round_is_clean():
    assert judge({"violations": [0.0, 0.0]})["P11"]["met"] is True
    assert judge({"violations": [0.0, 1.0]})["P11"] | {"text": ""} == {
        "value": 50.0,
        "goal": 100,
        "met": False,
        "spread": [50.0, 50.0],
        "text": "",
    }


def test_more_workers_are_judged_by_the_worse_of_two_and_four():
    series = {
        "workers 1 us": [100.0], "workers 2 us": [105.0], "workers 4 us": [120.0],
        "workers 1 rate": [1_000.0], "workers 2 rate": [900.0], "workers 4 rate": [1_000.0],
    }  # fmt: skip

    judged = judge(series)

    assert judged["P12_cpu"]["value"] == 1.2
    assert judged["P12_rate"]["value"] == 0.9
    assert not judged["P12_cpu"]["met"]
    assert not judged["P12_rate"]["met"]


def test_a_frontend_is_judged_by_ratios_and_by_rates():
    series = {
        IN_ONE: [1_500.0], IN_TWO: [1_000.0], f"{IN_ONE}: outcome p50": [22.0], f"{IN_TWO}: outcome p50": [20.0],
        "show list": [999.0], "seat map p95": [6.0], "healthz p95": [2.0],
    }  # fmt: skip

    judged = judge(series)

    assert {name: (each["value"], each["met"]) for name, each in judged.items()} == {
        "P13_rate": (1.5, True),
        "P13_p50": (1.1, False),
        "P14_list": (999.0, False),
        "P15_map": (3.0, True),
    }


@pytest.mark.parametrize(
    "done", [Done(codes=Counter({200: 5, 404: 1})), Done(codes=Counter({200: 5}), lost=1), Done()]
)
def test_answers_other_than_200_are_no_figures(done):
    with pytest.raises(BenchFailed, match="show list: answers"):
        all_read("show list", Result("onsale", 6, 1.0, {}, done))


def test_answers_that_are_all_200_are_figures():
    result = Result("onsale", 5, 1.0, {}, Done(codes=Counter({200: 5})))

    assert all_read("show list", result) is result
