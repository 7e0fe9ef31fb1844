"""Compare Redis's clock, which times every booking, with Postgres's, so that a wrong one is noticed."""

from __future__ import annotations

from core import logs
from core.times import STEP_MS
from workers import metrics
from workers.stores import Stores

log = logs.logger(__name__)

#: Seconds between two log lines of one process.
REPEAT_S = 30.0


def compare(stores: Stores, redis_ms: int, postgres_ms: int) -> None:
    """Measure how far Redis's clock is ahead of Postgres's; log an error if it is more than STEP_MS either way.

    Nothing is refused: one clock, Redis's, decides everywhere, so a wrong one treats everybody alike.
    """
    ahead_ms = redis_ms - postgres_ms
    metrics.CLOCK_AHEAD_S.set(ahead_ms / 1000)
    if abs(ahead_ms) > STEP_MS and stores.due("clock alarm", REPEAT_S):
        log.error("clock_skew", redis_ahead_s=ahead_ms / 1000)
