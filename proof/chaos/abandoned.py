"""Checks that bookings are withdrawn or abandoned while queued exactly when their owners asked for that."""

from __future__ import annotations

from collections.abc import Iterator

from proof.chaos.evidence import Evidence
from proof.chaos.record import BOOK, CANCEL

#: Redis uses this machine's clock, truncated to milliseconds.
SLACK_S = 0.005


def unwanted(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yield each booking that was abandoned though its owner did not ask for it, or sold too late; and when."""
    for row in evidence.rows:
        at, calls = row.decided_ms / 1000, evidence.by_booking.get(str(row.booking_id), ())
        if row.kind == BOOK and row.outcome == "CANCELLED":
            if not any(call.kind == CANCEL and call.sent_at - SLACK_S <= at for call in calls):
                yield f"booking {row.booking_id} was withdrawn, and its owner had not cancelled it", at
        elif row.kind == BOOK:
            accepted_ms = row.operation.get("accepted_ms", row.id.ms)  # named where it is not the id's
            waited_ms, patience_ms = row.decided_ms - accepted_ms, row.operation.get("give_up_after_ms", 0)
            expired, sold = row.reason == "EXPIRED_IN_QUEUE", row.outcome in ("HELD", "CONFIRMED", "WAITING")
            if sold if 0 < patience_ms < waited_ms else expired:
                yield f"booking {row.booking_id} waited {waited_ms} of {patience_ms} ms and is {row.outcome}", at
