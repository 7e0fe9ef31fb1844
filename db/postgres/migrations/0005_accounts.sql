-- Addresses are compared by a key that the program folds, not by the locale's lower(); refresh tokens are signed, and
-- no row is kept of them.

-- lower(email) is unique today, so it is a key that no two rows share. db/postgres/migrate.py folds it right after this file.
ALTER TABLE users ADD COLUMN email_key text;
UPDATE users SET email_key = lower(email);
ALTER TABLE users ALTER COLUMN email_key SET NOT NULL;
DROP INDEX users_one_per_email;
CREATE UNIQUE INDEX users_one_per_email ON users (email_key);
GRANT INSERT (email_key), UPDATE (email_key) ON users TO onsale_api;

-- Refresh tokens made until now are not signed, so their sessions could only be looked at: they end here, and people log
-- in again. Their access tokens go on to their end.
DROP TABLE refresh_tokens;
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN generation integer NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN refreshed_at timestamptz;
ALTER TABLE sessions ADD COLUMN tokens_end_at timestamptz NOT NULL;
GRANT UPDATE (generation, refreshed_at, tokens_end_at) ON sessions TO onsale_api;

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
-- Also: tokens of lower versions are void, so an administrator's version may only grow.
CREATE TRIGGER administrators_are_changed_by_the_owner
    BEFORE UPDATE ON users FOR EACH ROW
    WHEN (OLD.role = 'admin' AND (NEW.token_version < OLD.token_version
          OR (NEW.email, NEW.email_key, NEW.password_hash) IS DISTINCT FROM (OLD.email, OLD.email_key, OLD.password_hash)))
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER administrators_are_deleted_by_the_owner
    BEFORE DELETE ON users FOR EACH ROW
    WHEN (OLD.role = 'admin')
    EXECUTE FUNCTION refuse_all_but_the_owner();
CREATE TRIGGER revocations_last
    BEFORE DELETE ON revocations FOR EACH ROW
    WHEN (OLD.expires_at > now())
    EXECUTE FUNCTION refuse_all_but_the_owner();
