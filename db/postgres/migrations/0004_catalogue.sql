-- Lists are read by place, and a hall is looked at before a show is put into it; the api sees what became of a change
-- of a show, and of the journal nothing else.

CREATE INDEX movies_by_title ON movies (lower(title), id);
CREATE INDEX halls_by_name ON halls (lower(name), id);
CREATE INDEX shows_of_hall ON shows (hall_id, starts_at);

GRANT SELECT (lane, epoch, stream_ms, stream_seq, part, kind, show_id, outcome, reason, decided_ms)
   ON journal TO onsale_api;
