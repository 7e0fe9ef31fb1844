"""Creates what api and workers need in the stores before they start. Every step is safe to repeat.

The schema, the roles' logins, the installation's lanes and secret, the lanes' rows, an admin, and on request a small
demo catalogue.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from api.accounts.passwords import hash_password
from core.errors import ConfigurationError
from core.safety import PASSWORD_CHARS, weak_password
from db import installation
from db.kv.rounds import Rounds
from db.postgres import audit_log, fences, roles, users
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import migrate
from db.postgres.roles import allowed_connections
from ops.demo import load as load_demo

DEFAULT_ADMIN = "admin@onsale.example"


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """The admin, the demo's next show, and how many connections Postgres allows.

    `admin_password` is set only if it has just been generated, `demo_show_id` only if the demo was requested and
    there is an upcoming show.
    """

    admin_email: str
    admin_password: str | None
    demo_show_id: int | None
    connections: int


def bootstrap(
    database_url: str,
    redis_url: str,
    *,
    lanes: int,
    admin_email: str,
    admin_password: str,
    logins: Mapping[str, str] | None = None,
    demo: bool = False,
) -> BootstrapResult:
    """Bring both stores to a state in which api and workers can start.

    Args:   database_url: the owner's.  logins: group role of the schema -> the URL of a login role, which is created
            if missing; an empty URL is skipped.  demo: load the demo catalogue if there are no movies.
    Raises: SchemaError, ConfigurationError, PostgresUnavailable, RedisUnavailable.
    Repeat: only what is missing is created; the login roles' passwords are set again.
    """
    engine = make_engine(database_url, pool_size=1, statement_timeout_ms=60_000)
    rounds = Rounds(redis_url)
    try:
        migrate(engine)
        with transaction(engine) as connection:
            for group, url in (logins or {}).items():
                if url:
                    roles.ensure_login(connection, group, url)
            kept = installation.create(connection, lanes)
            fences.create(connection, lanes)
            email, password = _admin(connection, admin_email, admin_password)
            show_id = load_demo(connection) if demo else None
            connections = allowed_connections(connection)
        installation.publish(rounds, kept)
    finally:
        rounds.close()
        engine.dispose()
    return BootstrapResult(email, password, show_id, connections)


def _admin(connection: Connection, email: str, password: str) -> tuple[str, str | None]:
    """Return the admin's address, and the password if it was just generated. Leave an existing admin unchanged."""
    admin_id = users.get_first_admin_id(connection)
    if admin_id is not None:
        admin = users.get_user(connection, admin_id)
        assert admin is not None
        return admin.email, None
    if password and weak_password(password):
        raise ConfigurationError(f"ADMIN_PASSWORD is shorter than {PASSWORD_CHARS} characters, or easy to guess.")
    generated = None if password else secrets.token_urlsafe(12)
    id_ = users.insert_admin(connection, email or DEFAULT_ADMIN, hash_password(password or generated or ""))
    audit_log.by_command(connection, "user.create", f"user {id_}", after={"role": "admin"})
    return email or DEFAULT_ADMIN, generated
