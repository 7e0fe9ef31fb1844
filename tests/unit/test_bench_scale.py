"""How the growth of a booking's cost is told."""

from __future__ import annotations

import pytest

from bench.goals import judge
from bench.scale import growth


@pytest.mark.parametrize(
    ("costs", "grows"),
    [([100.0], 1.0), ([200.0, 100.0], 0.5), ([100.0, 110.0, 120.0], 1.2), ([300.0, 100.0, 150.0], 1.5)],
)
def test_a_dear_first_step_hides_no_growth_behind_it(costs: list[float], grows: float) -> None:
    assert growth(costs) == pytest.approx(grows)


def test_the_goal_is_missed_where_a_larger_step_costs_more() -> None:
    assert judge({"scale": [growth([100.0, 119.0])]})["P10"]["met"]
    assert not judge({"scale": [growth([300.0, 100.0, 121.0])]})["P10"]["met"]
