"""`onsale password`: set an account's password as the database's owner; the only way to set an administrator's.

Every session of the account ends, and its access tokens are void in every api process within a second.
"""

from __future__ import annotations

from pathlib import Path

import click

from api.accounts.passwords import hash_password
from core.errors import ConfigurationError
from core.safety import PASSWORD_CHARS, weak_password
from core.texts import composed
from db.kv.rounds import Rounds
from db.postgres import audit_log, users
from db.postgres.engine import make_engine, transaction
from ops.ended_sessions import end_sessions
from ops.up.running import RunningSystem, find_running


def set_password(system: RunningSystem, email: str, password: str, new_email: str | None = None) -> None:
    """Set an account's password, and its e-mail address if `new_email` is given; end its sessions.

    Raises: ConfigurationError: there is no such account, or the password is too weak.  EmailTaken.
            PostgresUnavailable, RedisUnavailable, AcceptUnknown: nothing is changed.
    Repeat: sessions begun since then end.
    """
    password = composed(password)
    if weak_password(password):
        raise ConfigurationError(f"The password is shorter than {PASSWORD_CHARS} characters, or easy to guess.")
    password_hash = hash_password(password)
    engine, rounds = make_engine(system.database_url, pool_size=1), Rounds(system.redis_url)
    try:
        with transaction(engine) as connection:
            found = users.get_by_email(connection, email)
            if found is None:
                raise ConfigurationError(f"There is no account {email}.")
            user, _ = found
            if new_email is not None:
                users.update_user(connection, user.id, name=user.name, email=composed(new_email).strip())
            changed = {"password": True, "email": new_email is not None}
            audit_log.by_command(connection, "user.credentials", f"user {user.id}", after=changed)
            end_sessions(connection, rounds, user, password_hash)
    finally:
        rounds.close()
        engine.dispose()


@click.command()
@click.argument("address")
@click.option("--new-address", help="Change the account's e-mail address to this one.")
@click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")
def command(address: str, new_address: str | None, home: Path | None) -> None:
    """Set the password of the account with this e-mail address, and end its sessions.

    This is the only way to set an administrator's password.
    """
    system = find_running(home)
    password = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    set_password(system, address, password, new_address)
    click.echo(f"{new_address or address}: the password is set, and every session has ended.")
