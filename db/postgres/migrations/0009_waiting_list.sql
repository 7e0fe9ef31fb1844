-- Waiting lists: bookings that own no seats yet, numbered per show in the order in which they joined; and bookings
-- that are cancelled with their show.

ALTER TABLE shows
    ADD COLUMN waiting integer NOT NULL DEFAULT 0,
    ADD COLUMN waiting_last integer NOT NULL DEFAULT 0,
    ADD COLUMN offers_due boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT shows_waiting_range CHECK (waiting BETWEEN 0 AND waiting_last);
CREATE INDEX shows_waiting ON shows (id) WHERE waiting > 0;
CREATE INDEX shows_cancelled ON shows (id) WHERE settings @> '{"cancelled": true}';

ALTER TABLE bookings
    ADD COLUMN waiting_number integer,
    ADD COLUMN wish jsonb,
    DROP CONSTRAINT bookings_status,
    ADD CONSTRAINT bookings_status CHECK (status IN ('PENDING', 'WAITING', 'CONFIRMED', 'FAILED', 'CANCELLED')),
    DROP CONSTRAINT bookings_failed_has_reason,
    ADD CONSTRAINT bookings_failed_has_reason CHECK (
        (status = 'FAILED') = (reason IS NOT NULL) OR (status = 'CANCELLED' AND reason = 'SHOW_CANCELLED')),
    DROP CONSTRAINT bookings_live_has_seats,
    ADD CONSTRAINT bookings_live_has_seats CHECK (
        status IN ('WAITING', 'FAILED', 'CANCELLED') OR cardinality(seats) > 0),
    ADD CONSTRAINT bookings_waiting_has_number CHECK (status <> 'WAITING' OR waiting_number IS NOT NULL),
    ADD CONSTRAINT bookings_number_has_wish CHECK ((waiting_number IS NULL) = (wish IS NULL));
CREATE UNIQUE INDEX bookings_one_per_waiting_number ON bookings (show_id, waiting_number)
    WHERE waiting_number IS NOT NULL;
CREATE INDEX bookings_waiting ON bookings (show_id, waiting_number) WHERE status = 'WAITING';

GRANT UPDATE (waiting, waiting_last, offers_due) ON shows TO onsale_worker;
