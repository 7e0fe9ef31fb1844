-- The only truth about tables. Every invariant is a named constraint, because its name is how an
-- operator (and the code) recognises what was violated. A change here needs the same change as a
-- numbered file in db/postgres/migrations/; a test compares the two catalogues.
--
-- Who writes what: the API inserts users, movies, halls, shows and the seats of a new show. Everything
-- that `decide` reads of a show afterwards is changed by a worker, inside a lane's transaction, alone.

-- Which numbered files of db/migrations this database has; a program refuses one that is newer than itself.
CREATE TABLE schema_migrations (
    version     integer     NOT NULL,
    name        text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
);

-- One row: what was drawn at the first start and may never change, or ids and lanes would move.
CREATE TABLE installation (
    only_row        boolean     NOT NULL DEFAULT true,
    lanes           integer     NOT NULL,   -- a show's lane is show_id % lanes
    booking_secret  bytea       NOT NULL,   -- keys the HMAC from which booking ids are derived
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT installation_pkey PRIMARY KEY (only_row),
    CONSTRAINT installation_is_one_row CHECK (only_row),
    CONSTRAINT installation_lanes_range CHECK (lanes BETWEEN 1 AND 1024),
    CONSTRAINT installation_secret_length CHECK (octet_length(booking_secret) = 32)
);

-- People who can log in. Bookings do not reference them: an account may be deleted, its bookings stay.
CREATE TABLE users (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    email          text        NOT NULL,
    password_hash  text        NOT NULL,   -- argon2id, with its parameters inside
    name           text        NOT NULL DEFAULT '',
    role           text        NOT NULL DEFAULT 'user',
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_length CHECK (char_length(name) <= 200),
    CONSTRAINT users_role CHECK (role IN ('user', 'admin'))
);
-- One account per address, whatever its capitals.
CREATE UNIQUE INDEX users_one_per_email ON users (lower(email));

-- The catalogue: what is played.
CREATE TABLE movies (
    id            integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    title         text        NOT NULL,
    description   text        NOT NULL DEFAULT '',
    genre         text        NOT NULL DEFAULT '',
    duration_min  integer     NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT movies_pkey PRIMARY KEY (id),
    CONSTRAINT movies_title_length CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT movies_description_length CHECK (char_length(description) <= 4000),
    CONSTRAINT movies_genre_length CHECK (char_length(genre) <= 60),
    CONSTRAINT movies_duration_range CHECK (duration_min BETWEEN 1 AND 1000)
);

-- A hall's plan, never changed once a show uses it (a rebuilt hall is a new row), so processes may cache it.
-- plan: {"rows": [{"label": "A", "aisles": [6], "blocks": [{"first": 1, "last": 12, "category": "premium"}]}]}
-- with rows and seats in the order in which "best available" prefers rows (front first).
CREATE TABLE halls (
    id          integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    name        text        NOT NULL,
    plan        jsonb       NOT NULL,
    capacity    integer     NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT halls_pkey PRIMARY KEY (id),
    CONSTRAINT halls_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT halls_capacity_range CHECK (capacity BETWEEN 1 AND 200000)
);

-- What is sold. Settings and counters change in a lane's transaction only; `version` grows with every
-- such change and orders what is published of the show.
CREATE TABLE shows (
    id                integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    movie_id          integer     NOT NULL,
    hall_id           integer     NOT NULL,
    starts_at         timestamptz NOT NULL,
    settings          jsonb       NOT NULL,   -- core/shows.py ShowSettings: state, sales window, limit, hold, prices
    initial_settings  jsonb       NOT NULL,   -- as created, never changed: where the replay of the journal starts
    capacity          integer     NOT NULL,
    held              integer     NOT NULL DEFAULT 0,
    sold              integer     NOT NULL DEFAULT 0,
    version           bigint      NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shows_pkey PRIMARY KEY (id),
    CONSTRAINT shows_movie_exists FOREIGN KEY (movie_id) REFERENCES movies (id),
    CONSTRAINT shows_hall_exists FOREIGN KEY (hall_id) REFERENCES halls (id),
    CONSTRAINT shows_never_oversold CHECK (held >= 0 AND sold >= 0 AND held + sold <= capacity)
) WITH (fillfactor = 50);   -- one update a batch: leave room for HOT
CREATE INDEX shows_by_start ON shows (starts_at, id);
CREATE INDEX shows_of_movie ON shows (movie_id);

-- One row per seat per show. A row has one owner at most: that is how the database itself excludes a
-- double sale.   AVAILABLE -> HELD | SOLD;  HELD -> SOLD | AVAILABLE;  SOLD -> AVAILABLE (cancelled)
CREATE TABLE seats (
    show_id     integer NOT NULL,
    label       text    NOT NULL,   -- row and number, as on the hall's plan: A12
    status      text    NOT NULL DEFAULT 'AVAILABLE',
    booking_id  uuid,               -- the owner; its release is always WHERE booking_id = its own
    CONSTRAINT seats_pkey PRIMARY KEY (show_id, label),
    CONSTRAINT seats_show_exists FOREIGN KEY (show_id) REFERENCES shows (id),
    CONSTRAINT seats_status CHECK (status IN ('AVAILABLE', 'HELD', 'SOLD')),
    CONSTRAINT seats_one_owner CHECK ((status = 'AVAILABLE') = (booking_id IS NULL))
) WITH (fillfactor = 60);

-- The current state of every decided booking. QUEUED ones are not here yet: they are in their lane.
-- (nothing) -> PENDING (held) | CONFIRMED | FAILED | CANCELLED;  PENDING -> CONFIRMED | FAILED | CANCELLED;
-- CONFIRMED -> CANCELLED. Nothing leaves FAILED or CANCELLED.
CREATE TABLE bookings (
    id              uuid        NOT NULL,   -- version 8: the first 32 bits are the show id
    show_id         integer     NOT NULL,
    user_id         uuid        NOT NULL,   -- no foreign key: see users
    status          text        NOT NULL,
    reason          text,                   -- core/bookings.py Reason, of FAILED ones only
    fingerprint     text        NOT NULL,   -- of the request's body: a key repeated with another body is refused
    seats           text[]      NOT NULL,   -- labels it holds, or held when it ended; empty if it never got any
    amount_cents    integer     NOT NULL,
    version         integer     NOT NULL,   -- grows with each decision about it; orders published statuses
    last_operation  jsonb       NOT NULL,   -- {kind, accepted_ms, outcome, reason} of the newest decision about it
    accepted_at     timestamptz NOT NULL,
    decided_at      timestamptz NOT NULL,
    expires_at      timestamptz,            -- a hold's deadline
    confirmed_at    timestamptz,
    replaced_by     uuid,                   -- the new booking that took over from a final one
    CONSTRAINT bookings_pkey PRIMARY KEY (id),
    CONSTRAINT bookings_id_carries_show CHECK (('x' || left(id::text, 8))::bit(32)::integer = show_id),
    CONSTRAINT bookings_status CHECK (status IN ('PENDING', 'CONFIRMED', 'FAILED', 'CANCELLED')),
    CONSTRAINT bookings_failed_has_reason CHECK ((status = 'FAILED') = (reason IS NOT NULL)),
    CONSTRAINT bookings_held_has_deadline CHECK ((status = 'PENDING') = (expires_at IS NOT NULL)),
    CONSTRAINT bookings_confirmed_has_time CHECK (status <> 'CONFIRMED' OR confirmed_at IS NOT NULL),
    CONSTRAINT bookings_live_has_seats CHECK (status IN ('FAILED', 'CANCELLED') OR cardinality(seats) > 0),
    CONSTRAINT bookings_amount_not_negative CHECK (amount_cents >= 0)
) WITH (fillfactor = 80);
-- A person's own bookings, newest first.
CREATE INDEX bookings_of_user ON bookings (user_id, accepted_at DESC);
-- The limit of seats per person and show: the live ones, which the limit itself keeps few.
CREATE INDEX bookings_live_of_user ON bookings (show_id, user_id) WHERE status IN ('PENDING', 'CONFIRMED');
-- Holds by deadline: what has lapsed, and when a sold-out show may have seats again.
CREATE INDEX bookings_holds ON bookings (show_id, expires_at) WHERE status = 'PENDING';

-- Where each lane stands. Its row lock is the fence: who holds it is the lane's only writer.
CREATE TABLE lanes (
    lane        integer NOT NULL,
    epoch       text    NOT NULL DEFAULT '',   -- the life of the Redis stream that the next two belong to
    stream_ms   bigint  NOT NULL DEFAULT 0,    -- every entry up to this id of that epoch is decided
    stream_seq  bigint  NOT NULL DEFAULT 0,
    seq         bigint  NOT NULL DEFAULT 0,    -- the last number given in the journal
    decided_ms  bigint  NOT NULL DEFAULT 0,    -- the newest decided time; decided time never runs backward
    CONSTRAINT lanes_pkey PRIMARY KEY (lane)
) WITH (fillfactor = 10);

-- Append-only, a row per decision: the audit trail, the source of the replay, and the outbox in one.
CREATE TABLE journal (
    lane        integer     NOT NULL,
    seq         bigint      NOT NULL,   -- 1, 2, 3 ... per lane, without gaps
    epoch       text        NOT NULL,
    stream_ms   bigint      NOT NULL,   -- id of the entry decided (its first half: accepted time, Redis's clock, ms)
    stream_seq  bigint      NOT NULL,
    part        integer     NOT NULL,   -- 0 = the operation's own decision; 1 .. = expiries it brought about
    kind        text        NOT NULL,   -- core/operations.py Kind
    show_id     integer     NOT NULL,
    booking_id  uuid,
    outcome     text        NOT NULL,   -- core/bookings.py Outcome
    reason      text,
    operation   jsonb       NOT NULL,   -- the whole operation as accepted
    decision    jsonb       NOT NULL,   -- what changed: seats, amount, deadline, version
    decided_ms  bigint      NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT journal_pkey PRIMARY KEY (lane, seq),
    CONSTRAINT journal_decided_once UNIQUE (lane, epoch, stream_ms, stream_seq, part)
);

-- Operations that could not be decided (unreadable, or a bug): the payload as it came, for an operator.
CREATE TABLE parked (
    lane        integer     NOT NULL,
    epoch       text        NOT NULL,
    stream_ms   bigint      NOT NULL,
    stream_seq  bigint      NOT NULL,
    payload     bytea       NOT NULL,
    error       text        NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT parked_pkey PRIMARY KEY (lane, epoch, stream_ms, stream_seq)
);
