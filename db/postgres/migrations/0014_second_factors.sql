-- One-time codes as the second factor of a log-in, and recovery codes for a lost device.

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

GRANT SELECT, INSERT (user_id, secret), DELETE, UPDATE (secret, confirmed_at, last_step) ON second_factors TO onsale_api;
GRANT SELECT, INSERT (user_id, code_hash), UPDATE (used_at) ON recovery_codes TO onsale_api;
