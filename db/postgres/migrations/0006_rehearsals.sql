-- Accounts of load tests and copies of shows for rehearsals: marked, so that they can be removed and left out of lists.
-- Only the database's owner creates them. No foreign keys: an account's session has no row, and a show may be deleted.
ALTER TABLE users ADD COLUMN load_test uuid;
CREATE INDEX users_of_load_tests ON users (load_test) WHERE load_test IS NOT NULL;
ALTER TABLE shows ADD COLUMN rehearsal_of integer;
