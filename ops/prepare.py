"""Prepare: what must be in the stores before api and workers start. Every step is safe to repeat.

The schema, who logs in with which rights, the installation's lanes and secret, the lanes' rows, an admin, and where
it is asked for a small demo catalogue.
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
from db.postgres import fences, roles, users
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import migrate
from ops.demo import load as load_demo

DEFAULT_ADMIN = "admin@onsale.example"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the first start made. `admin_password` is set only if it has just been generated, `demo_show_id` only if
    the demo was asked for and there is a show to come."""

    admin_email: str
    admin_password: str | None
    demo_show_id: int | None


def prepare(
    database_url: str,
    redis_url: str,
    *,
    lanes: int,
    admin_email: str,
    admin_password: str,
    logins: Mapping[str, str] | None = None,
    demo: bool = False,
) -> Prepared:
    """Bring both stores to where api and workers can start.

    Args:   database_url: the owner's.  logins: group of the schema -> the address of a member, made if missing;
            an empty one is nobody's.  demo: load the demo catalogue, unless there are movies.
    Raises: SchemaError, ConfigurationError, PostgresUnavailable, RedisUnavailable.
    Repeat: only what is missing is made.
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
        installation.publish(rounds, kept)
    finally:
        rounds.close()
        engine.dispose()
    return Prepared(email, password, show_id)


def _admin(connection: Connection, email: str, password: str) -> tuple[str, str | None]:
    """The admin's address, and the password if it was drawn now. An admin that exists is left alone."""
    admin_id = users.get_first_admin_id(connection)
    if admin_id is not None:
        admin = users.get_user(connection, admin_id)
        assert admin is not None
        return admin.email, None
    if password and weak_password(password):
        raise ConfigurationError(
            f"ADMIN_PASSWORD: Shorter than {PASSWORD_CHARS} characters, or one that can be guessed."
        )
    generated = None if password else secrets.token_urlsafe(12)
    users.insert_admin(connection, email or DEFAULT_ADMIN, hash_password(password or generated or ""))
    return email or DEFAULT_ADMIN, generated
