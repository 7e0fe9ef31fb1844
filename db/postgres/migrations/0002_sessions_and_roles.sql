-- Sessions with refresh tokens, revocable access tokens, and two roles with minimal rights.

ALTER TABLE users ADD COLUMN token_version integer NOT NULL DEFAULT 0;

-- A log-in of one person on one device: the family of the refresh tokens that follow each other. Ended by
-- deleting it: log-out, a refresh token used twice, another password, a deleted account.
CREATE TABLE sessions (
    id          uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id     uuid        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,   -- counted from the log-in; no refresh moves it
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_exists FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Every refresh token of a session, by its hash alone. Used ones stay: one that comes again was stolen.
CREATE TABLE refresh_tokens (
    hash        bytea       NOT NULL,   -- SHA-256; the token itself is 256 random bits, so no salt is needed
    session_id  uuid        NOT NULL,
    used_at     timestamptz,            -- NULL: the session's current one
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT refresh_tokens_session_exists FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX refresh_tokens_one_current ON refresh_tokens (session_id) WHERE used_at IS NULL;
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Access tokens revoked before they expire; copied to Redis, where the apis read them. No foreign key: the account
-- may be deleted.
CREATE TABLE revocations (
    id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    session_id  text,                   -- every token of this session
    user_id     uuid,                   -- or every token of this person whose version is lower
    version     integer,
    expires_at  timestamptz NOT NULL,   -- when the last of these tokens ends by itself
    CONSTRAINT revocations_pkey PRIMARY KEY (id),
    CONSTRAINT revocations_one_subject CHECK ((session_id IS NULL) = (user_id IS NOT NULL)),
    CONSTRAINT revocations_user_has_version CHECK ((user_id IS NULL) = (version IS NULL))
);
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- Who may do what, held by the database itself: two groups without a log-in; what connects is a member of one of
-- them (docs/operations.md). The api cannot change a seat, nor write a booking, a lane or the journal, nor make an
-- administrator; a worker cannot read accounts, nor change what stands in the journal.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['onsale_api', 'onsale_worker'] LOOP
        -- Roles belong to the whole server: another database of it may have made them, even just now.
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;
GRANT SELECT ON schema_migrations, installation, users, sessions, refresh_tokens, revocations,
                movies, halls, shows, seats, bookings TO onsale_api;
GRANT INSERT (email, password_hash, name), UPDATE (email, password_hash, name, token_version), DELETE
   ON users TO onsale_api;
GRANT INSERT, DELETE ON sessions, refresh_tokens, revocations TO onsale_api;
GRANT UPDATE (used_at) ON refresh_tokens TO onsale_api;
GRANT INSERT, UPDATE, DELETE ON movies TO onsale_api;
GRANT INSERT ON halls TO onsale_api;
GRANT INSERT (movie_id, hall_id, starts_at, settings, initial_settings, capacity) ON shows TO onsale_api;
GRANT INSERT (show_id, label) ON seats TO onsale_api;

GRANT SELECT ON schema_migrations, installation, halls, shows, seats, bookings, lanes, journal, parked
   TO onsale_worker;
GRANT INSERT, UPDATE ON bookings TO onsale_worker;
GRANT UPDATE (status, booking_id) ON seats TO onsale_worker;
GRANT UPDATE (settings, held, sold, version) ON shows TO onsale_worker;
GRANT UPDATE ON lanes TO onsale_worker;
GRANT INSERT ON journal, parked TO onsale_worker;
