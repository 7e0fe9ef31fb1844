"""The database constraints behind the guarantees: each rejects invalid rows, from any writer."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.postgres.engine import transaction, violated
from tests.support.stage import Stage

#: The decision of :booking once more, with other values in the first four columns.
AGAIN = """
    INSERT INTO journal (lane, seq, epoch, stream_ms,
        stream_seq, part, kind, show_id, outcome, operation, decision, decided_ms)
    SELECT {}, stream_seq, part, kind, show_id, outcome, operation, decision, decided_ms
    FROM journal
    WHERE booking_id = :booking
"""
#: Constraint -> a statement that it rejects, at show :show, where :booking owns A1.
REFUSED = {
    "seats_pkey": "INSERT INTO seats (show_id, label) VALUES (:show, 'A1')",
    "seats_one_owner": "UPDATE seats SET status = 'AVAILABLE' WHERE show_id = :show AND label = 'A1'",
    "shows_never_oversold": "UPDATE shows SET sold = capacity + 1 WHERE id = :show",
    "bookings_pkey": """
        INSERT INTO bookings (id, show_id, user_id, status, reason, fingerprint, seats, amount_cents, version,
            last_operation, accepted_at, decided_at)
        SELECT id, show_id, user_id, 'FAILED', 'SEAT_TAKEN', fingerprint, seats, amount_cents, version,
            last_operation, accepted_at, decided_at
        FROM bookings
        WHERE id = :booking
    """,
    "bookings_id_carries_show": "UPDATE bookings SET show_id = show_id + 1 WHERE id = :booking",
    "bookings_held_has_deadline": "UPDATE bookings SET status = 'PENDING' WHERE id = :booking",
    "bookings_live_has_seats": "UPDATE bookings SET seats = '{}' WHERE id = :booking",
    "journal_pkey": AGAIN.format("lane, seq, 'another', stream_ms"),
    "journal_decided_once": AGAIN.format("lane, seq + 1, epoch, stream_ms"),
}


def sold(stage: Stage) -> dict[str, int | UUID]:
    """A show whose A1 has just been sold, and the booking that owns it."""
    show = stage.show()
    booking = stage.book(show, "A1")
    stage.drain()
    return {"show": show, "booking": booking}


@pytest.mark.parametrize("constraint", REFUSED)
def test_each_constraint_rejects_an_invalid_row_by_name(stage: Stage, constraint: str) -> None:
    values = sold(stage)

    with pytest.raises(IntegrityError) as refused, transaction(stage.stores.engine) as connection:
        connection.execute(text(REFUSED[constraint]), values)

    assert violated(refused.value) == constraint
