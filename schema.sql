-- The schema of a new database. Every invariant is a named constraint, because operators (and the code)
-- recognise a violation by the constraint's name. A change here needs the same change as a numbered file in
-- db/postgres/migrations/; a test compares the two catalogues.
--
-- Who writes what: the API inserts users, movies, halls, shows and the seats of a new show. Afterwards,
-- everything that `decide` reads of a show is changed only by a worker, inside a lane's transaction.

-- The numbered files of db/postgres/migrations that this database has. A program refuses a newer database.
CREATE TABLE schema_migrations (
    version     integer     NOT NULL,
    name        text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
);

-- One row, generated at the first start. If it changed, shows would change their lanes and repeated keys their ids.
CREATE TABLE installation (
    only_row        boolean     NOT NULL DEFAULT true,
    lanes           integer     NOT NULL,   -- a show's lane is show_id % lanes
    booking_secret  bytea       NOT NULL,   -- keys the HMAC from which booking ids are derived
    created_at      timestamptz NOT NULL DEFAULT now(),
    id              uuid        NOT NULL DEFAULT gen_random_uuid(),   -- also in Redis: one installation per Redis
    CONSTRAINT installation_pkey PRIMARY KEY (only_row),
    CONSTRAINT installation_is_one_row CHECK (only_row),
    CONSTRAINT installation_lanes_range CHECK (lanes BETWEEN 1 AND 1024),
    CONSTRAINT installation_secret_length CHECK (octet_length(booking_secret) = 32)
);

-- People who can log in. Bookings do not reference them: if an account is deleted, its bookings remain.
CREATE TABLE users (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    email          text        NOT NULL,   -- as its owner writes it
    email_key      text        NOT NULL,   -- the address folded (core/texts.py), for comparisons
    password_hash  text        NOT NULL,   -- argon2id, including its parameters
    name           text        NOT NULL DEFAULT '',
    role           text        NOT NULL DEFAULT 'user',
    token_version  integer     NOT NULL DEFAULT 0,   -- tokens of lower versions are void
    created_at     timestamptz NOT NULL DEFAULT now(),
    load_test      uuid,                   -- of an account of `onsale tokens`: the session of its token
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT users_role CHECK (role IN ('user', 'box_office', 'admin'))
);
-- One account per address, in any case and spelling, in every locale.
CREATE UNIQUE INDEX users_one_per_email ON users (email_key);
CREATE INDEX users_with_role ON users (role, email_key) WHERE role <> 'user';
CREATE INDEX users_of_load_tests ON users (load_test) WHERE load_test IS NOT NULL;

-- A log-in of one user on one device: the family of its successive refresh tokens. No token is stored: each carries
-- its session and generation, signed by the apis (core/refresh_tokens.py). A session is ended by deleting it:
-- log-out, a refresh token used twice, a new password, a deleted account.
CREATE TABLE sessions (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    user_id        uuid        NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,   -- counted from the log-in; no refresh moves it
    generation     integer     NOT NULL DEFAULT 0,   -- of its current refresh token; lower ones have been used
    refreshed_at   timestamptz,            -- when the current token was issued; NULL: at the log-in
    tokens_end_at  timestamptz NOT NULL,   -- when the last of its access tokens expires
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_exists FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- The second factor of an account: the secret of its one-time codes (core/second_factor.py), not encrypted. The workers'
-- role cannot read it.
CREATE TABLE second_factors (
    user_id       uuid        NOT NULL,
    secret        bytea       NOT NULL,
    begun_at      timestamptz NOT NULL DEFAULT now(),
    confirmed_at  timestamptz,                      -- by a code; NULL: log-ins do not need one yet
    last_step     bigint      NOT NULL DEFAULT 0,   -- the newest step of 30 s whose code was used: none is used twice
    CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
    CONSTRAINT second_factors_user_exists FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT second_factors_secret_length CHECK (octet_length(secret) = 20)
);

-- Codes that each replace a one-time code once, for a lost device; only hashes are stored.
CREATE TABLE recovery_codes (
    user_id    uuid        NOT NULL,
    code_hash  bytea       NOT NULL,
    used_at    timestamptz,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_second_factor_exists FOREIGN KEY (user_id) REFERENCES second_factors (user_id)
        ON DELETE CASCADE,
    CONSTRAINT recovery_codes_hash_length CHECK (octet_length(code_hash) = 32)
);

-- Access tokens revoked before they expire; copied to Redis, where the apis read them. No foreign key: the account
-- may be deleted.
CREATE TABLE revocations (
    id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    session_id  text,                   -- every token of this session
    user_id     uuid,                   -- or every token of this user with a lower version
    version     integer,
    expires_at  timestamptz NOT NULL,   -- when the last of these tokens expires
    CONSTRAINT revocations_pkey PRIMARY KEY (id),
    CONSTRAINT revocations_one_subject CHECK ((session_id IS NULL) = (user_id IS NOT NULL)),
    CONSTRAINT revocations_user_has_version CHECK ((user_id IS NULL) = (version IS NULL))
);
CREATE INDEX revocations_by_end ON revocations (expires_at);

-- The catalogue's movies.
CREATE TABLE movies (
    id            integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    title         text        NOT NULL,
    description   text        NOT NULL DEFAULT '',
    genre         text        NOT NULL DEFAULT '',
    duration_min  integer     NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    rating        text        NOT NULL DEFAULT '',   -- as the rating board writes it: FSK 12, PG-13, 16+
    release_date  date,
    poster_url    text        NOT NULL DEFAULT '',   -- of a picture elsewhere; an uploaded one is in posters
    CONSTRAINT movies_pkey PRIMARY KEY (id),
    CONSTRAINT movies_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT movies_description_length CHECK (char_length(description) <= 4000),
    CONSTRAINT movies_genre_length CHECK (char_length(genre) <= 60),
    CONSTRAINT movies_duration_range CHECK (duration_min BETWEEN 1 AND 1000),
    CONSTRAINT movies_rating_length CHECK (char_length(rating) <= 20),
    CONSTRAINT movies_poster_url_length CHECK (char_length(poster_url) <= 2000)
);
CREATE INDEX movies_by_title ON movies (lower(title), id);

-- The uploaded picture of a movie.
CREATE TABLE posters (
    movie_id    integer     NOT NULL,
    media_type  text        NOT NULL,   -- recognised by the content (core/images.py)
    tag         text        NOT NULL,   -- of the content: its ETag, and part of its address
    image       bytea       NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT posters_pkey PRIMARY KEY (movie_id),
    CONSTRAINT posters_movie_exists FOREIGN KEY (movie_id) REFERENCES movies (id) ON DELETE CASCADE,
    CONSTRAINT posters_media_type CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    CONSTRAINT posters_image_length CHECK (octet_length(image) BETWEEN 1 AND 2097152)
);
-- Pictures are compressed already.
ALTER TABLE posters ALTER COLUMN image SET STORAGE EXTERNAL;

-- A hall's plan never changes once a show uses it (a rebuilt hall is a new row), so processes may cache it.
-- plan: {"rows": [{"label": "A", "aisles": [6], "blocks": [{"first": 1, "last": 12, "category": "premium"}]}]}
-- with rows in the order in which "best available" prefers them (front first), and seats from left to right; or in
-- format 2, for which see docs/halls.md.
CREATE TABLE halls (
    id          integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL,
    plan        jsonb       NOT NULL,
    capacity    integer     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    time_zone   text,                   -- IANA; NULL: the installation's (setting TIME_ZONE)
    general     boolean     NOT NULL DEFAULT false,   -- made for a number of seats: no place, so shows may overlap
    CONSTRAINT halls_pkey PRIMARY KEY (id),
    CONSTRAINT halls_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT halls_capacity_range CHECK (capacity BETWEEN 1 AND 200000),
    CONSTRAINT halls_time_zone_length CHECK (char_length(time_zone) BETWEEN 1 AND 100)
);
CREATE UNIQUE INDEX halls_one_general ON halls (capacity) WHERE general;
CREATE INDEX halls_by_name ON halls (lower(name), id);

-- Shows. Settings and counters change in a lane's transaction only; `version` grows with every such change and
-- orders what is published of the show.
CREATE TABLE shows (
    id                integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    movie_id          integer,                -- NULL: the show has only a name
    hall_id           integer     NOT NULL,
    starts_at         timestamptz NOT NULL,
    settings          jsonb       NOT NULL,   -- core/shows.py ShowSettings: state, sales window, limit, hold, prices
    initial_settings  jsonb       NOT NULL,   -- as created, never changed: the replay of the journal starts from these
    capacity          integer     NOT NULL,
    held              integer     NOT NULL DEFAULT 0,
    sold              integer     NOT NULL DEFAULT 0,
    version           bigint      NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    rehearsal_of      integer,                -- of a copy for a rehearsal, which no list shows: the show copied
    waiting           integer     NOT NULL DEFAULT 0,       -- how many bookings wait for seats
    waiting_last      integer     NOT NULL DEFAULT 0,       -- the last number given in the waiting list
    offers_due        boolean     NOT NULL DEFAULT false,   -- an operation ended before all free seats were offered
    name              text,                   -- NULL: it is called as its movie
    CONSTRAINT shows_pkey PRIMARY KEY (id),
    CONSTRAINT shows_movie_exists FOREIGN KEY (movie_id) REFERENCES movies (id),
    CONSTRAINT shows_hall_exists FOREIGN KEY (hall_id) REFERENCES halls (id),
    -- The show card, which accept.lua trusts, is derived from these. A batch that would oversell is rolled back.
    CONSTRAINT shows_never_oversold CHECK (held >= 0 AND sold >= 0 AND held + sold <= capacity),
    CONSTRAINT shows_waiting_range CHECK (waiting BETWEEN 0 AND waiting_last),
    CONSTRAINT shows_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT shows_movie_or_name CHECK (movie_id IS NOT NULL OR name IS NOT NULL)
) WITH (fillfactor = 50);   -- one update a batch: leave room for HOT
-- Shows with something to end: a waiting list whose sale is over, bookings of a cancelled show.
CREATE INDEX shows_waiting ON shows (id) WHERE waiting > 0;
CREATE INDEX shows_cancelled ON shows (id) WHERE settings @> '{"cancelled": true}';
CREATE INDEX shows_by_start ON shows (starts_at, id);
CREATE INDEX shows_of_movie ON shows (movie_id);
CREATE INDEX shows_of_hall ON shows (hall_id, starts_at);

-- One row per seat per show, with at most one owner. An UPDATE of the owner requires the owner that was read
-- (db/postgres/seats.py); together, the two exclude a double sale.
-- AVAILABLE -> HELD | SOLD;  HELD -> SOLD | AVAILABLE;  SOLD -> AVAILABLE (cancelled)
CREATE TABLE seats (
    show_id     integer NOT NULL,
    label       text    NOT NULL,   -- section, row and number, as on the hall's plan: A12, 12-7, BALC-A-12
    status      text    NOT NULL DEFAULT 'AVAILABLE',
    booking_id  uuid,               -- the owner
    CONSTRAINT seats_pkey PRIMARY KEY (show_id, label),
    CONSTRAINT seats_show_exists FOREIGN KEY (show_id) REFERENCES shows (id),
    CONSTRAINT seats_status CHECK (status IN ('AVAILABLE', 'HELD', 'SOLD')),
    -- Workers use the owner, the seat map the status: a sold seat without an owner would be sold again.
    CONSTRAINT seats_one_owner CHECK ((status = 'AVAILABLE') = (booking_id IS NULL))
) WITH (fillfactor = 60);

-- The current state of every decided booking. QUEUED bookings are not here yet: they are in their lanes.
-- (nothing) -> PENDING (held) | WAITING | CONFIRMED | FAILED | CANCELLED;  WAITING -> PENDING | FAILED | CANCELLED;
-- PENDING -> CONFIRMED | FAILED | CANCELLED;  CONFIRMED -> CANCELLED. Nothing leaves FAILED or CANCELLED.
CREATE TABLE bookings (
    id              uuid        NOT NULL,   -- version 8: the first 32 bits are the show id
    show_id         integer     NOT NULL,
    user_id         uuid        NOT NULL,   -- no foreign key: see users
    status          text        NOT NULL,
    reason          text,                   -- core/bookings.py Reason; only if FAILED, or CANCELLED with its show
    fingerprint     text        NOT NULL,   -- of the request's body: a key repeated with another body is refused
    seats           text[]      NOT NULL,   -- labels of its seats, also after it has ended; empty if it never got any
    amount_cents    integer     NOT NULL,
    version         integer     NOT NULL,   -- grows with each decision about it; orders published statuses
    last_operation  jsonb       NOT NULL,   -- {kind, accepted_ms, outcome, reason} of the newest decision about it
    accepted_at     timestamptz NOT NULL,
    decided_at      timestamptz NOT NULL,
    expires_at      timestamptz,            -- a hold's deadline
    confirmed_at    timestamptz,
    replaced_by     uuid,                   -- the new booking that took over from a final one
    seat_prices_cents integer[] NOT NULL DEFAULT '{}',   -- of `seats`, when granted; empty: an older version granted it
    released        text[]      NOT NULL DEFAULT '{}',   -- labels of the seats that it has given back, one by one
    extended        boolean     NOT NULL DEFAULT false,  -- its hold has got more time
    waiting_number  integer,                -- its place in the order of the show's waiting list; NULL: it never waited
    wish            jsonb,                  -- what it waits for, or has waited for (core/waiting.py wish_of)
    wish_granted    integer,                -- which of its request's wishes, from 0; NULL: none, or by an older version
    apart           boolean,                -- whether its seats are not all adjacent; NULL as above
    -- The id is derived from show, user and Idempotency-Key, so one key cannot be decided twice.
    CONSTRAINT bookings_pkey PRIMARY KEY (id),
    -- A confirm finds its lane by the id alone; with another show in it, a second writer would change this booking.
    CONSTRAINT bookings_id_carries_show CHECK (('x' || left(id::text, 8))::bit(32)::integer = show_id),
    CONSTRAINT bookings_status CHECK (status IN ('PENDING', 'WAITING', 'CONFIRMED', 'FAILED', 'CANCELLED')),
    CONSTRAINT bookings_failed_has_reason CHECK (
        (status = 'FAILED') = (reason IS NOT NULL) OR (status = 'CANCELLED' AND reason = 'SHOW_CANCELLED')),
    -- A hold without a deadline would keep its seats for ever.
    CONSTRAINT bookings_held_has_deadline CHECK ((status = 'PENDING') = (expires_at IS NOT NULL)),
    CONSTRAINT bookings_confirmed_has_time CHECK (status <> 'CONFIRMED' OR confirmed_at IS NOT NULL),
    CONSTRAINT bookings_live_has_seats CHECK (
        status IN ('WAITING', 'FAILED', 'CANCELLED') OR cardinality(seats) > 0),
    CONSTRAINT bookings_waiting_has_number CHECK (status <> 'WAITING' OR waiting_number IS NOT NULL),
    CONSTRAINT bookings_number_has_wish CHECK ((waiting_number IS NULL) = (wish IS NULL)),
    CONSTRAINT bookings_amount_not_negative CHECK (amount_cents >= 0),
    -- What is given back of an amount is what exactly these seats cost.
    CONSTRAINT bookings_price_per_seat CHECK (cardinality(seat_prices_cents) IN (0, cardinality(seats)))
) WITH (fillfactor = 80);
-- A user's bookings, newest first.
CREATE INDEX bookings_of_user ON bookings (user_id, accepted_at DESC);
-- For the limit of seats per user and show: live bookings only, which the limit itself keeps few.
CREATE INDEX bookings_live_of_user ON bookings (show_id, user_id) WHERE status IN ('PENDING', 'CONFIRMED');
-- Holds by deadline: which have lapsed, and when a sold-out show may have seats again.
CREATE INDEX bookings_holds ON bookings (show_id, expires_at) WHERE status = 'PENDING';
-- A number is given once; and those who wait, in order.
CREATE UNIQUE INDEX bookings_one_per_waiting_number ON bookings (show_id, waiting_number)
    WHERE waiting_number IS NOT NULL;
CREATE INDEX bookings_waiting ON bookings (show_id, waiting_number) WHERE status = 'WAITING';

-- How far each lane is decided. The row lock is the fence: the transaction that holds it is the lane's only writer.
CREATE TABLE lanes (
    lane        integer NOT NULL,
    epoch       text    NOT NULL DEFAULT '',   -- the epoch to which the next two belong
    stream_ms   bigint  NOT NULL DEFAULT 0,    -- every entry up to this id of that epoch is decided
    stream_seq  bigint  NOT NULL DEFAULT 0,
    seq         bigint  NOT NULL DEFAULT 0,    -- the last number in the journal
    decided_ms  bigint  NOT NULL DEFAULT 0,    -- the last decided time (core/times.py decided_ms)
    CONSTRAINT lanes_pkey PRIMARY KEY (lane)
) WITH (fillfactor = 10);

-- Append-only, a row per decision: audit trail, source of the replay, and outbox.
CREATE TABLE journal (
    lane        integer     NOT NULL,
    seq         bigint      NOT NULL,   -- 1, 2, 3 ... per lane, without gaps
    epoch       text        NOT NULL,
    stream_ms   bigint      NOT NULL,   -- id of the decided entry: ms of Redis's clock, and a number within that ms
    stream_seq  bigint      NOT NULL,
    part        integer     NOT NULL,   -- 0 = the operation's own decision; 1 .. = its effects: expiries, offers
    kind        text        NOT NULL,   -- core/operations.py Kind
    show_id     integer     NOT NULL,
    booking_id  uuid,
    outcome     text        NOT NULL,   -- core/bookings.py Outcome
    reason      text,
    operation   jsonb       NOT NULL,   -- the whole operation as accepted
    decision    jsonb       NOT NULL,   -- what changed: seats, amount, deadline, version
    decided_ms  bigint      NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Two writers of a lane that continue from the same row use the same number: the later one is rolled back.
    CONSTRAINT journal_pkey PRIMARY KEY (lane, seq),
    -- An entry that is read again after its decision (because the lane's row went back) is not decided twice.
    CONSTRAINT journal_decided_once UNIQUE (lane, epoch, stream_ms, stream_seq, part)
);
-- For operators: a booking's decisions by its id, and those of a show that changed seats: a booking's id begins with its
-- show's.
CREATE INDEX journal_of_booking ON journal (booking_id, outcome) WHERE booking_id IS NOT NULL;
-- Whether a show has decisions besides those that have a booking, whose id names the show. Few rows, so it is cheap.
CREATE INDEX journal_of_show ON journal (show_id) WHERE kind <> 'BOOK';

-- Operations that could not be decided (unreadable, or a bug): the payload as received, for an operator.
CREATE TABLE parked (
    lane        integer     NOT NULL,
    epoch       text        NOT NULL,
    stream_ms   bigint      NOT NULL,
    stream_seq  bigint      NOT NULL,
    payload     bytea       NOT NULL,
    error       text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolution  text,          -- what an administrator did about it; NULL: nothing yet
    resolved_at timestamptz,
    replaced_by uuid,          -- the new booking, if it was retried
    CONSTRAINT parked_pkey PRIMARY KEY (lane, epoch, stream_ms, stream_seq),
    CONSTRAINT parked_resolution CHECK (resolution IN ('RETRIED', 'DISCARDED')),
    CONSTRAINT parked_resolved_has_time CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
    CONSTRAINT parked_retried_has_booking CHECK ((resolution IS NOT DISTINCT FROM 'RETRIED') = (replaced_by IS NOT NULL))
);

-- What administrators did, or tried to do: written by the api and by commands, changed by nobody. An act that Postgres
-- alone performs is one row, DONE, of the same transaction. One in a lane is INTENDED before it is sent, and a second row
-- has the reply; if that is missing, the process ended in between, and the journal says what happened.
CREATE TABLE audit_log (
    id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id    uuid,                   -- NULL: a command, as the database's owner. No foreign key: it may be deleted
    actor_role  text        NOT NULL,   -- the role with which it acted
    action      text        NOT NULL,   -- what was done: movie.create, show.change ...
    subject     text        NOT NULL,   -- to what: "show 7"
    outcome     text        NOT NULL,
    intent_id   bigint,                 -- the row that announced this act, if a lane or Redis was involved
    before      jsonb,
    after       jsonb,
    request_id  text        NOT NULL DEFAULT '',
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_actor CHECK ((actor_role = 'owner') = (actor_id IS NULL)),
    CONSTRAINT audit_log_outcome CHECK (outcome IN ('DONE', 'INTENDED', 'ACCEPTED', 'REFUSED', 'UNKNOWN')),
    CONSTRAINT audit_log_outcome_of_an_intent CHECK ((outcome IN ('DONE', 'INTENDED')) = (intent_id IS NULL)),
    CONSTRAINT audit_log_intent_exists FOREIGN KEY (intent_id) REFERENCES audit_log (id)
);
CREATE INDEX audit_log_of_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_of_action ON audit_log (action, id);
CREATE INDEX audit_log_of_subject ON audit_log (subject, id);
CREATE INDEX audit_log_by_time ON audit_log (at);

-- Limits on the api's role that grants by column cannot express: with a stolen api role, nobody can take over an
-- administrator's account or make revoked tokens valid again. The database's owner may do both (`onsale password`;
-- DELETE by hand).
CREATE FUNCTION refuse_all_but_the_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for this change of %: %', TG_TABLE_NAME, TG_NAME
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
-- Also, an administrator's token version may only grow, because tokens of lower versions are void.
CREATE TRIGGER administrators_are_changed_by_the_owner
    BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.role = 'admin' AND (NEW.token_version < OLD.token_version
          OR (NEW.email, NEW.email_key, NEW.password_hash) IS DISTINCT FROM (OLD.email, OLD.email_key, OLD.password_hash)))
    EXECUTE FUNCTION refuse_all_but_the_owner();
-- Who is an administrator is for the owner to say (`onsale admin`); the api may make a user box office, and undo it.
CREATE TRIGGER administrators_are_made_by_the_owner
    BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role AND 'admin' IN (OLD.role, NEW.role))
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER administrators_are_deleted_by_the_owner
    BEFORE DELETE ON users FOR EACH ROW
    WHEN (OLD.role = 'admin')
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER revocations_last
    BEFORE DELETE ON revocations FOR EACH ROW
    WHEN (OLD.expires_at > now())
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER audit_log_is_append_only
    BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER audit_log_commands_are_the_owners
    BEFORE INSERT ON audit_log FOR EACH ROW
    WHEN (NEW.actor_role = 'owner')
    EXECUTE FUNCTION refuse_all_but_the_owner();

-- Delete a show with its seats if nothing was ever decided about it. A function, because the api's role may delete no
-- show and no seat: with a stolen role, nobody can remove a show that has a booking or a row in the journal. Locks: the
-- show's row, as a lane's transaction does (docs/locking.md rule 5), and nothing that a lane could hold.
CREATE FUNCTION delete_unused_show(wanted integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM shows WHERE id = wanted FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'MISSING';
    END IF;
    -- Later statements than the lock: they see what the lane's last transaction wrote.
    IF EXISTS (
        SELECT FROM bookings
        WHERE id BETWEEN (lpad(to_hex(wanted), 8, '0') || '-0000-0000-0000-000000000000')::uuid
                     AND (lpad(to_hex(wanted), 8, '0') || '-ffff-ffff-ffff-ffffffffffff')::uuid
    ) THEN
        RETURN 'BOOKINGS';
    END IF;
    IF EXISTS (SELECT FROM journal WHERE show_id = wanted AND kind <> 'BOOK') THEN
        RETURN 'DECISIONS';
    END IF;
    DELETE FROM seats WHERE show_id = wanted;
    DELETE FROM shows WHERE id = wanted;
    RETURN 'DELETED';
END
$$;

-- Rights, enforced by the database: two groups without log-in; each process connects as a member of one of them
-- (docs/operations.md). The api cannot change seats, write bookings, lanes or the journal, create an administrator
-- or change an administrator's log-in; a worker cannot read accounts or change rows of the journal.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['onsale_api', 'onsale_worker'] LOOP
        -- Roles belong to the whole server: another of its databases may have created them, even at this moment.
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
GRANT SELECT ON schema_migrations, installation, users, sessions, revocations,
                movies, halls, shows, seats, bookings, parked TO onsale_api;
GRANT UPDATE (resolution, resolved_at, replaced_by) ON parked TO onsale_api;
GRANT INSERT (email, email_key, password_hash, name), DELETE,
      UPDATE (email, email_key, password_hash, name, role, token_version) ON users TO onsale_api;
GRANT INSERT, DELETE, UPDATE (generation, refreshed_at, tokens_end_at) ON sessions TO onsale_api;
GRANT INSERT, DELETE ON revocations TO onsale_api;
GRANT SELECT, INSERT (user_id, secret), DELETE, UPDATE (secret, confirmed_at, last_step) ON second_factors TO onsale_api;
GRANT SELECT, INSERT (user_id, code_hash), UPDATE (used_at) ON recovery_codes TO onsale_api;
GRANT INSERT, UPDATE, DELETE ON movies TO onsale_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON posters TO onsale_api;
GRANT INSERT, DELETE ON halls TO onsale_api;
REVOKE EXECUTE ON FUNCTION delete_unused_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_unused_show TO onsale_api;
GRANT INSERT (name, movie_id, hall_id, starts_at, settings, initial_settings, capacity) ON shows TO onsale_api;
GRANT INSERT (show_id, label) ON seats TO onsale_api;
GRANT SELECT, INSERT (actor_id, actor_role, action, subject, outcome, intent_id, before, after, request_id)
   ON audit_log TO onsale_api;
-- The decisions, but not the operations.
GRANT SELECT (lane, seq, epoch, stream_ms, stream_seq, part, kind, show_id, booking_id, outcome, reason, decision,
              decided_ms, recorded_at)
   ON journal TO onsale_api;

GRANT SELECT ON schema_migrations, installation, halls, shows, seats, bookings, lanes, journal, parked
   TO onsale_worker;
GRANT INSERT, UPDATE ON bookings TO onsale_worker;
GRANT UPDATE (status, booking_id) ON seats TO onsale_worker;
GRANT UPDATE (settings, held, sold, version, waiting, waiting_last, offers_due) ON shows TO onsale_worker;
GRANT UPDATE ON lanes TO onsale_worker;
GRANT INSERT ON journal, parked TO onsale_worker;
