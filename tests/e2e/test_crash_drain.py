"""The crash run, second half: a worker fails at each point of a drain."""

from __future__ import annotations

import pytest

from tests.e2e.crash import DRAIN, survives


@pytest.mark.timeout(600)
def test_every_point_of_a_drain_survives_an_exit_and_some_the_other_faults() -> None:
    survives(DRAIN)
