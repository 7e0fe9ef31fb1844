"""Waiting for a condition, with a deadline; never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from core.errors import OnsaleError

#: Seconds; a machine that is very busy must not fail a test.
PATIENCE_S = 20.0
#: Seconds between two checks.
TICK_S = 0.005


class TimedOut(OnsaleError):
    """A condition did not become true in time."""

    code = "timed_out"


def until(
    condition: Callable[[], object],
    timeout_s: float = PATIENCE_S,
    what: str | Callable[[], str] = "A condition",
) -> None:
    """Return once the condition is true. Raises TimedOut, whose message names `what` was waited for."""
    if not within(condition, timeout_s):
        name = what if isinstance(what, str) else what()
        raise TimedOut(f"Not within {timeout_s:g} s: {name}")


def within(condition: Callable[[], object], timeout_s: float) -> bool:
    """Return whether the condition became true within `timeout_s` seconds, as soon as that is known."""
    deadline, pause = time.monotonic() + timeout_s, Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(TICK_S)
    return True
