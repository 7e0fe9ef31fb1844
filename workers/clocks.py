"""Compare Redis's clock, which times every booking, with Postgres's: a wrong one is to be noticed at once."""

from __future__ import annotations

import time

from core import logs
from core.times import STEP_MS
from workers import metrics

log = logs.logger(__name__)

#: Seconds between two log lines of one process about the same trouble.
QUIET_S = 30.0
_quiet_until = 0.0


def compare(redis_ms: int, postgres_ms: int) -> None:
    """Publish how far Redis's clock is ahead of Postgres's; more than STEP_MS either way is an error in the log.

    Nothing is refused: one clock, Redis's, decides everywhere, so a wrong one treats everybody alike.
    """
    global _quiet_until
    ahead_ms = redis_ms - postgres_ms
    metrics.CLOCK_AHEAD_S.set(ahead_ms / 1000)
    if abs(ahead_ms) > STEP_MS and time.monotonic() >= _quiet_until:
        _quiet_until = time.monotonic() + QUIET_S
        log.error("clock_skew", redis_ahead_s=ahead_ms / 1000)
