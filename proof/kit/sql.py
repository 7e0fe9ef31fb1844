"""The SQL of the proofs, which read the product's tables directly (the bench's SQL is in proof/bench/sql/)."""

from __future__ import annotations

from sqlalchemy import text

#: Makes a new connection run the dialect's own queries.
PING = "SELECT 1"

SHOW_VERSIONS = text("SELECT id, hall_id, version FROM shows")
SEATS_AND_DEADLINES = text("""
SELECT seats.show_id, label, seats.status, floor(extract(epoch FROM expires_at)) AS ends
  FROM seats
  LEFT JOIN bookings ON bookings.id = booking_id
""")

DECIDED_ENTRIES = text("SELECT lane, epoch, stream_ms, stream_seq FROM journal WHERE part = 0")
CANCELLED_BOOKS = text("SELECT booking_id FROM journal WHERE kind = 'BOOK' AND outcome = 'CANCELLED'")
WAITING = text("SELECT id, user_id, show_id FROM bookings WHERE status = 'WAITING'")
LIVE_OF_CANCELLED_SHOWS = text("""
SELECT count(*)
  FROM bookings
  JOIN shows ON shows.id = show_id
 WHERE settings @> '{"cancelled": true}' AND status IN ('PENDING', 'WAITING', 'CONFIRMED')
""")
PARKED = text("SELECT count(*) FROM parked")

#: A schedule of the simulator begins with these two.
EMPTY = text("TRUNCATE journal, parked, bookings, seats, shows RESTART IDENTITY CASCADE")
FORGET_LANES = text("DELETE FROM lanes")

PROMOTE = text("UPDATE users SET role = 'admin' WHERE email = :email")
