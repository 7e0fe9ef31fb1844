"""Waiting for a condition, with a deadline; never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from core.errors import OnsaleError

#: Seconds; a machine that is very busy must not fail a test.
PATIENCE_S = 20.0
#: Seconds between two checks; those of a long wait are further apart, as each takes CPU from what is waited for.
TICK_S, LONGEST_TICK_S = 0.005, 0.1
#: The time between two checks, as a share of the time waited so far.
TICK_SHARE = 0.03


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
    """Return whether the condition became true within `timeout_s` seconds; at most 3 % later than it did."""
    begun, pause = time.monotonic(), Event()
    while not condition():
        waited = time.monotonic() - begun
        if waited > timeout_s:
            return False
        pause.wait(min(max(TICK_S, waited * TICK_SHARE), LONGEST_TICK_S))
    return True
