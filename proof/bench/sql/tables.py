"""Statements that count and fill the product's tables, whichever contender writes them."""

from __future__ import annotations

#: The number of sold seats of all shows, by the shows' counters.
SOLD = "SELECT COALESCE(sum(sold), 0)::bigint FROM shows"
#: The number of confirmed bookings.
CONFIRMED = "SELECT count(*) FROM bookings WHERE status = 'CONFIRMED'"
#: The number of sold seats, and of the bookings that have them.
SEATS_SOLD = "SELECT count(*), count(DISTINCT booking_id) FROM seats WHERE status = 'SOLD'"
#: The ids of the bookings that are confirmed or failed.
OUTCOMES = "SELECT id FROM bookings WHERE status IN ('CONFIRMED', 'FAILED')"
#: The number of decisions that all lanes have recorded.
DECIDED = "SELECT COALESCE(sum(seq), 0)::bigint FROM lanes"
#: Insert %d decided bookings, to make history.
HISTORY = """
    INSERT INTO bookings (id, show_id, user_id, status, fingerprint, seats, amount_cents, version, last_operation,
                          accepted_at, decided_at, confirmed_at)
    SELECT ('00000001-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, gen_random_uuid(), 'CONFIRMED', 'f',
           ARRAY['A' || n], 1200, 1, '{"kind": "BOOK"}', now(), now(), now()
      FROM generate_series(1, %d) AS n
"""
#: Make the server reload its settings, after ALTER SYSTEM.
RELOAD = "SELECT pg_reload_conf()"
