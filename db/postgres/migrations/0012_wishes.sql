-- A request may have several wishes; its booking says which was granted, and whether its seats are apart.
ALTER TABLE bookings
    ADD COLUMN wish_granted integer,
    ADD COLUMN apart boolean;
