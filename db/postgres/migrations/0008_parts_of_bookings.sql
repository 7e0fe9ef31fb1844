-- Some of a booking's seats can be released, at the price of these seats; and a hold can be extended once.
ALTER TABLE bookings
    ADD COLUMN seat_prices_cents integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN released text[] NOT NULL DEFAULT '{}',
    ADD COLUMN extended boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT bookings_price_per_seat CHECK (cardinality(seat_prices_cents) IN (0, cardinality(seats)));
