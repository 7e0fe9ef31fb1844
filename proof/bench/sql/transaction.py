"""The transaction of the other contenders: one booking, which locks its show's row, then its seats' rows.

BEGIN; show FOR UPDATE; seats FOR UPDATE; insert the booking; update the seats; update the counters; COMMIT.
It uses the product's tables, constraints and columns, over psycopg, which prepares the statements automatically.
"""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg

CONFIRMED = "CONFIRMED"
_own = threading.local()

LOCK_SHOW = "SELECT held, sold, capacity, settings FROM shows WHERE id = %s FOR UPDATE"
LOCK_SEATS = "SELECT label, status FROM seats WHERE show_id = %s AND label = ANY(%s) ORDER BY label FOR UPDATE"
INSERT_BOOKING = """
    INSERT INTO bookings (id, show_id, user_id, status, fingerprint, seats, amount_cents, version, last_operation,
                          accepted_at, decided_at, confirmed_at)
    VALUES (%s, %s, %s, 'CONFIRMED', %s, %s, %s, 1, '{"kind": "BOOK"}', now(), now(), now())
"""
UPDATE_SEATS = "UPDATE seats SET status = 'SOLD', booking_id = %s WHERE show_id = %s AND label = ANY(%s)"
UPDATE_SHOW = "UPDATE shows SET sold = sold + %s, version = version + 1 WHERE id = %s"
STATUS = "SELECT status FROM bookings WHERE id = %s AND user_id = %s"


def connection(database_url: str) -> psycopg.Connection:
    """Return this thread's connection, which is opened at its first use."""
    if not hasattr(_own, "connection"):
        _own.connection = psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True)
    kept: psycopg.Connection = _own.connection
    return kept


def book(database_url: str, id_: UUID, show_id: int, user_id: UUID, seats: list[str], fingerprint: str) -> str:
    """Book the seats. Returns CONFIRMED, or the reason: SOLD_OUT, SEAT_TAKEN, NO_SUCH_SEAT.

    Locks: shows(id), then seats(show_id, label) in label order, FOR UPDATE.   Repeat: SEAT_TAKEN.
    """
    link = connection(database_url)
    with link.transaction(), link.cursor() as cursor:
        held, sold, capacity, settings = cursor.execute(LOCK_SHOW, (show_id,)).fetchall()[0]
        if held + sold >= capacity:
            return "SOLD_OUT"
        rows = cursor.execute(LOCK_SEATS, (show_id, seats)).fetchall()
        if len(rows) < len(seats):
            return "NO_SUCH_SEAT"
        if any(status != "AVAILABLE" for _, status in rows):
            return "SEAT_TAKEN"
        amount_cents = len(seats) * settings["prices"]["standard"]
        cursor.execute(INSERT_BOOKING, (id_, show_id, user_id, fingerprint, seats, amount_cents))
        cursor.execute(UPDATE_SEATS, (id_, show_id, seats))
        cursor.execute(UPDATE_SHOW, (len(seats), show_id))
    return CONFIRMED


def status_of(database_url: str, id_: UUID, user_id: UUID) -> str | None:
    """Return the status of a user's booking; None if it is not decided."""
    row = connection(database_url).execute(STATUS, (id_, user_id)).fetchone()
    return row[0] if row else None
