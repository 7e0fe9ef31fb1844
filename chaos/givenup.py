"""Books that got no seats because their owners had given them up, held against what the owners have sent."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.evidence import Evidence
from chaos.record import BOOK, CANCEL

#: Redis's clock is this machine's; it is cut to whole ms.
SLACK_S = 0.005


def unwanted(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Books that were given up and whose owners had not asked for that, and when they were decided."""
    for row in evidence.rows:
        if row.kind != BOOK or row.outcome != "CANCELLED":
            continue
        at, calls = row.decided_ms / 1000, evidence.by_booking.get(str(row.booking_id), ())
        if not any(call.kind == CANCEL and call.sent_at - SLACK_S <= at for call in calls):
            yield f"booking {row.booking_id} was withdrawn, and its owner had not cancelled it", at
