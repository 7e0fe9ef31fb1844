"""What the bench counts and fills in the product's tables, whoever of the contenders writes them."""

from __future__ import annotations

#: How many seats of all shows are sold, by the shows' counters.
SOLD = "SELECT COALESCE(sum(sold), 0)::bigint FROM shows"
#: How many bookings are confirmed.
CONFIRMED = "SELECT count(*) FROM bookings WHERE status = 'CONFIRMED'"
#: How many seats are sold, and to how many bookings.
SEATS_SOLD = "SELECT count(*), count(DISTINCT booking_id) FROM seats WHERE status = 'SOLD'"
#: The ids of the bookings whose outcome stands.
OUTCOMES = "SELECT id FROM bookings WHERE status IN ('CONFIRMED', 'FAILED')"
#: How many decisions all lanes have recorded.
DECIDED = "SELECT COALESCE(sum(seq), 0)::bigint FROM lanes"
#: Fill the bookings' table with %d decided ones, of a show that is not sold here.
HISTORY = """
    INSERT INTO bookings (id, show_id, user_id, status, fingerprint, seats, amount_cents, version, last_operation,
                          accepted_at, decided_at, confirmed_at)
    SELECT ('00000001-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, gen_random_uuid(), 'CONFIRMED', 'f',
           ARRAY['A' || n], 1200, 1, '{"kind": "BOOK"}', now(), now(), now()
      FROM generate_series(1, %d) AS n
"""
#: Have the server read its settings again, after ALTER SYSTEM.
RELOAD = "SELECT pg_reload_conf()"
