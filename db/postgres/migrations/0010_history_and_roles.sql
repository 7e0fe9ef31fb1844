-- The history of bookings and seats for operators; a role for the box office, which the api may give and take away.

-- A booking's decisions by its id, and those of a show that changed seats: a booking's id begins with its show's.
CREATE INDEX journal_of_booking ON journal (booking_id, outcome) WHERE booking_id IS NOT NULL;
GRANT SELECT (seq, booking_id, decision, recorded_at) ON journal TO onsale_api;

ALTER TABLE users DROP CONSTRAINT users_role;
ALTER TABLE users ADD CONSTRAINT users_role CHECK (role IN ('user', 'box_office', 'admin'));
CREATE INDEX users_with_role ON users (role, email_key) WHERE role <> 'user';
CREATE TRIGGER administrators_are_made_by_the_owner
    BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role AND 'admin' IN (OLD.role, NEW.role))
    EXECUTE FUNCTION refuse_all_but_the_owner();
GRANT UPDATE (role) ON users TO onsale_api;
