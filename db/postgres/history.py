"""What the journal says about one booking or one seat, for operators. Found by the index journal_of_booking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.bookings import Outcome
from core.seat_history import BookingDecision
from core.times import to_ms

#: Outcomes after which a booking has the seats that it had before, or none.
_WITHOUT_SEATS = {Outcome.FAILED, Outcome.REFUSED, Outcome.UNCHANGED, Outcome.DONE}
#: The most decisions that are read: of a booking its owner can make thousands, by confirms that change nothing.
MOST = 1_000

_COLUMNS = """lane, seq, part, kind, booking_id, outcome, reason, decision, stream_ms, decided_ms, recorded_at"""


def of_bookings(connection: Connection, ids: Sequence[UUID]) -> list[BookingDecision]:
    """Return the decisions about some bookings of one show, in order; the first MOST."""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM journal
        WHERE booking_id = ANY(CAST(:ids AS uuid[]))
        ORDER BY seq
        LIMIT :most
    """)  # noqa: S608 - the columns are a constant
    return [_decision(row) for row in connection.execute(statement, {"ids": list(ids), "most": MOST})]


def bookings_that_had(connection: Connection, show_id: int, label: str) -> list[UUID]:
    """Return the bookings that ever had a seat of a show, in no order.

    Reads the show's decisions that gave or took seats, no others: two or three per seat sold, so it is not for
    polling.
    """
    statement = text("""
        SELECT DISTINCT booking_id
        FROM journal
        WHERE booking_id BETWEEN :first AND :last AND outcome = ANY(:outcomes)
            AND jsonb_exists(decision -> 'seats', :label)
    """)
    values = {
        "first": UUID(int=show_id << 96),
        "last": UUID(int=(show_id + 1 << 96) - 1),
        "outcomes": [outcome.value for outcome in Outcome if outcome not in _WITHOUT_SEATS],
        "label": label,
    }
    return list(connection.execute(statement, values).scalars())


def _decision(row: Any) -> BookingDecision:
    return BookingDecision(
        lane=row.lane,
        seq=row.seq,
        part=row.part,
        kind=row.kind,
        booking_id=row.booking_id,
        outcome=row.outcome,
        reason=row.reason,
        decision=row.decision,
        accepted_ms=row.stream_ms,
        decided_ms=row.decided_ms,
        recorded_ms=to_ms(row.recorded_at),
    )
