-- An installation has an id, which its Redis names as well: two installations on one Redis refuse to start.

ALTER TABLE installation ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
