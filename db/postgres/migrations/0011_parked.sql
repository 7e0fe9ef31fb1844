-- Parked operations are resolved by administrators over the API: retried as new bookings, or discarded. No row is deleted.

ALTER TABLE parked ADD COLUMN resolution text;
ALTER TABLE parked ADD COLUMN resolved_at timestamptz;
ALTER TABLE parked ADD COLUMN replaced_by uuid;
ALTER TABLE parked ADD CONSTRAINT parked_resolution CHECK (resolution IN ('RETRIED', 'DISCARDED'));
ALTER TABLE parked ADD CONSTRAINT parked_resolved_has_time CHECK ((resolution IS NULL) = (resolved_at IS NULL));
ALTER TABLE parked ADD CONSTRAINT parked_retried_has_booking
    CHECK ((resolution IS NOT DISTINCT FROM 'RETRIED') = (replaced_by IS NOT NULL));
GRANT SELECT, UPDATE (resolution, resolved_at, replaced_by) ON parked TO onsale_api;
