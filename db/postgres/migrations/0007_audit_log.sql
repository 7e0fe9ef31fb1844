-- The acts of administrators: written by the api and by commands, changed by nobody.

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

CREATE TRIGGER audit_log_is_append_only
    BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER audit_log_commands_are_the_owners
    BEFORE INSERT ON audit_log FOR EACH ROW
    WHEN (NEW.actor_role = 'owner')
    EXECUTE FUNCTION refuse_all_but_the_owner();

GRANT SELECT, INSERT (actor_id, actor_role, action, subject, outcome, intent_id, before, after, request_id)
   ON audit_log TO onsale_api;
