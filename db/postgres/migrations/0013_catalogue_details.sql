-- Movies with ratings, release dates and posters; shows without a movie, in halls that are made for a number of seats;
-- time zones; and deleting what nothing hangs on.

ALTER TABLE movies
    ADD COLUMN rating text NOT NULL DEFAULT '',
    ADD COLUMN release_date date,
    ADD COLUMN poster_url text NOT NULL DEFAULT '',
    ADD CONSTRAINT movies_rating_length CHECK (char_length(rating) <= 20),
    ADD CONSTRAINT movies_poster_url_length CHECK (char_length(poster_url) <= 2000);

CREATE TABLE posters (
    movie_id    integer     NOT NULL,
    media_type  text        NOT NULL,
    tag         text        NOT NULL,
    image       bytea       NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT posters_pkey PRIMARY KEY (movie_id),
    CONSTRAINT posters_movie_exists FOREIGN KEY (movie_id) REFERENCES movies (id) ON DELETE CASCADE,
    CONSTRAINT posters_media_type CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    CONSTRAINT posters_image_length CHECK (octet_length(image) BETWEEN 1 AND 2097152)
);
ALTER TABLE posters ALTER COLUMN image SET STORAGE EXTERNAL;

ALTER TABLE halls
    ADD COLUMN time_zone text,
    ADD COLUMN general boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT halls_time_zone_length CHECK (char_length(time_zone) BETWEEN 1 AND 100);
CREATE UNIQUE INDEX halls_one_general ON halls (capacity) WHERE general;

ALTER TABLE shows
    ALTER COLUMN movie_id DROP NOT NULL,
    ADD COLUMN name text,
    ADD CONSTRAINT shows_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    ADD CONSTRAINT shows_movie_or_name CHECK (movie_id IS NOT NULL OR name IS NOT NULL);

CREATE INDEX journal_of_show ON journal (show_id) WHERE kind <> 'BOOK';

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

REVOKE EXECUTE ON FUNCTION delete_unused_show FROM PUBLIC;
GRANT EXECUTE ON FUNCTION delete_unused_show TO onsale_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON posters TO onsale_api;
GRANT DELETE ON halls TO onsale_api;
GRANT INSERT (name) ON shows TO onsale_api;
