"""What tests of rehearsals and recordings share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from ops.rehearse import copies
from ops.rehearse.copies import Stores
from ops.up.running import find_running
from tests.support.stage import Stage


@pytest.fixture
def empty_home(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No `onsale up` runs in this home, so the system's addresses come from the environment."""
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def opened(stage: Stage, empty_home: Path) -> Iterator[Stores]:
    with copies.opened(find_running()) as opened:
        yield opened
