"""The metrics of workers. On one machine the files of PROMETHEUS_MULTIPROC_DIR carry them to the api's /metrics;
elsewhere each worker serves its own (Settings.worker_metrics_port).

They are counted once per batch, so they go to prometheus_client directly; the api's are tallied in memory first.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from core import metric_files
from core.bookings import Decision

metric_files.share()

DECISIONS = Counter(
    "onsale_decisions_total",
    "Decisions recorded, by kind, outcome and reason.",
    ["kind", "outcome", "reason"],
)
ENTRIES = Counter("onsale_drained_total", "Entries that left a lane.", ["lane"])
RESCUED = Counter("onsale_rescues_total", "Rescues by a sweeper that decided something.", ["lane"])
CLOCK_AHEAD_S = Gauge(
    "onsale_clock_ahead_seconds",
    "How far Redis's clock is ahead of Postgres's, as the last batch saw it.",
    multiprocess_mode="mostrecent",
)
HOLDS_LATE = Gauge(
    "onsale_holds_late",
    "Holds whose deadline was passed more than PENDING_ALARM_S ago: nobody expires them.",
    multiprocess_mode="mostrecent",
)
BATCH_SIZE = Histogram(
    "onsale_batch_entries", "Entries per batch.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
DECIDE_S = Histogram(
    "onsale_decide_seconds",
    "From BEGIN until all of a batch is decided.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
COMMIT_S = Histogram(
    "onsale_commit_seconds",
    "COMMIT of a batch.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1),
)


def batch(entries: int, decisions: Sequence[Decision], decide_s: float, commit_s: float) -> None:
    """Count one committed batch. Times are seconds."""
    BATCH_SIZE.observe(entries)
    DECIDE_S.observe(decide_s)
    COMMIT_S.observe(commit_s)
    tally = Tally((decision.kind.value, decision.outcome.value, decision.reason or "") for decision in decisions)
    for (kind, outcome, reason), count in tally.items():
        DECISIONS.labels(kind, outcome, reason).inc(count)


def rescued(lane: int) -> None:
    """Count a rescue: the lane's drain was killed, or its doorbell was lost."""
    RESCUED.labels(str(lane)).inc()


def drained(lane: int, entries: int) -> None:
    """Count entries that left a lane."""
    ENTRIES.labels(str(lane)).inc(entries)
