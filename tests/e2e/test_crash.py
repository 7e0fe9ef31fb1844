"""The crash run, first half: apis, scheduler, expiring and sweeping fail at each of their points."""

from __future__ import annotations

import pytest

from tests.e2e.crash import AROUND, survives


@pytest.mark.timeout(600)
def test_every_point_around_a_drain_survives_an_exit_and_some_the_other_faults() -> None:
    survives(AROUND)
