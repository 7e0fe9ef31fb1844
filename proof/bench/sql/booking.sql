-- The same transaction for pgbench: what one transaction per booking can reach without any Python.
-- Each client books seats of its own, one after the other, so all win:
-- -D show=6 -D per_client=500 -D done=0 -D row=1000, and -t 500.
\set seat :client_id * :per_client + :done
\set done :done + 1
\set letter 65 + :seat / :row
\set place :seat % :row + 1
BEGIN;
SELECT held, sold, capacity, settings FROM shows WHERE id = :show FOR UPDATE;
SELECT label, status FROM seats
 WHERE show_id = :show AND label = ANY(ARRAY[chr(:letter::int) || :place::int]) ORDER BY label FOR UPDATE;
INSERT INTO bookings (id, show_id, user_id, status, fingerprint, seats, amount_cents, version, last_operation,
                      accepted_at, decided_at, confirmed_at)
VALUES ((lpad(to_hex(:show::int), 8, '0') || '-0000-8000-8000-' || lpad(to_hex(:seat::int), 12, '0'))::uuid,
        :show::int, gen_random_uuid(), 'CONFIRMED', 'pgbench', ARRAY[chr(:letter::int) || :place::int], 1200, 1,
        '{"kind": "BOOK"}', now(), now(), now());
UPDATE seats
   SET status = 'SOLD',
       booking_id = (lpad(to_hex(:show::int), 8, '0') || '-0000-8000-8000-' || lpad(to_hex(:seat::int), 12, '0'))::uuid
 WHERE show_id = :show AND label = ANY(ARRAY[chr(:letter::int) || :place::int]);
UPDATE shows SET sold = sold + 1, version = version + 1 WHERE id = :show;
COMMIT;
