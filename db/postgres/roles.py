"""Postgres roles of the api and the workers: members of the schema's two groups, created from their addresses.

schema.sql has the groups and their rights. A member inherits the rights of its group and has no others.
"""

from __future__ import annotations

from psycopg import sql
from sqlalchemy import Connection, make_url, text

from core.errors import ConfigurationError

#: Timeouts per group: a backstop behind those that each engine sets (db/postgres/engine.py), and for manual sessions.
TIMEOUTS = {
    "onsale_api": {"statement_timeout": "30s", "lock_timeout": "2s"},
    "onsale_worker": {"statement_timeout": "30s", "lock_timeout": "2s"},
}
EVERYBODYS = {"idle_in_transaction_session_timeout": "10s"}
#: Postgres 17 and newer: a transaction that takes longer is ended together with its session.
TRANSACTION = {"transaction_timeout": "2min"}


def ensure_login(connection: Connection, group: str, url: str) -> None:
    """Make the address's user a member of the group, with its password and our timeouts; create it if needed.

    Raises: ConfigurationError: the address names no user or no password, or a user with more rights than a member may
            have.
    Repeat: the password is set again.
    """
    address = make_url(url)
    name, password = address.username, address.password
    if not name or not password:
        raise ConfigurationError(f"The address for {group} needs a user and a password.")
    found = connection.execute(
        text("SELECT rolsuper OR rolcreaterole OR rolname = current_user FROM pg_roles WHERE rolname = :name"),
        {"name": name},
    ).scalar()
    if found:
        raise ConfigurationError(f"{name} may do more than a member of {group} should: name another user.")
    role = sql.Identifier(name)
    if found is None:
        _run(connection, sql.SQL("CREATE ROLE {} LOGIN").format(role))
    driver = connection.connection.driver_connection
    assert driver is not None
    # Hash it here: Postgres may log the statement.
    hashed = driver.pgconn.encrypt_password(str(password).encode(), name.encode(), b"scram-sha-256").decode()
    _run(connection, sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(hashed)))
    _run(connection, sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), role))
    timeouts = TIMEOUTS[group] | EVERYBODYS | (TRANSACTION if driver.info.server_version >= 170_000 else {})
    for setting, value in timeouts.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = {}")
        _run(connection, statement.format(role, sql.Identifier(setting), sql.Literal(value)))


def _run(connection: Connection, statement: sql.Composed) -> None:
    """Run a statement that takes no parameters."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(statement)


def allowed_connections(connection: Connection) -> int:
    """Return how many connections the server allows to those that are not superusers, all databases together."""
    statement = text("""
        SELECT sum(CASE name WHEN 'max_connections' THEN setting::integer ELSE -setting::integer END)
        FROM pg_settings
        WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
    """)
    return int(connection.execute(statement).scalar_one())
