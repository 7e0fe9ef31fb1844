"""Waiting for a condition, with a deadline. Never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

#: Seconds; a machine that is very busy must not fail a test.
PATIENCE_S = 20.0


def until(condition: Callable[[], object]) -> None:
    """Return once it is true. Raises: AssertionError: it did not come true in PATIENCE_S."""
    deadline, pause = time.monotonic() + PATIENCE_S, Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.005)
