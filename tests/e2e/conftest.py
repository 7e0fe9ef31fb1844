"""Fixtures with a running system: `running_up`, one per module, and `fresh_up`, a new one per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proof.kit.system import Up, running
from tests.support.seeded import plant_home


@pytest.fixture
def fresh_up(tmp_path: Path) -> Iterator[Up]:
    for up in running(tmp_path):
        plant_home(up.home)
        yield up


@pytest.fixture(scope="module")
def running_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    for up in running(tmp_path_factory.mktemp("up")):
        plant_home(up.home)
        up.start()
        up.wait(up.complete)
        yield up
