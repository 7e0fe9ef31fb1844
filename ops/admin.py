"""`onsale admin`: who is an administrator, and the reset of a second factor.

Only the database's owner can say who is an administrator, so it is a command.

Each change is in the audit log, and ends the account's sessions: its tokens name the former role.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Connection

from api.accounts.passwords import hash_password
from core.errors import ConfigurationError
from core.safety import PASSWORD_CHARS, weak_password
from core.texts import composed
from db.kv.rounds import Rounds
from db.postgres import accounts, audit_log, second_factors, users
from db.postgres.engine import make_engine, transaction
from db.postgres.users import User
from ops.ended_sessions import end_sessions
from ops.up.running import RunningSystem, find_running

HOME = click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")


@contextmanager
def _stores(system: RunningSystem) -> Iterator[tuple[Connection, Rounds]]:
    engine, rounds = make_engine(system.database_url, pool_size=1), Rounds(system.redis_url)
    try:
        with transaction(engine) as connection:
            yield connection, rounds
    finally:
        rounds.close()
        engine.dispose()


def grant(system: RunningSystem, email: str) -> bool:
    """Make an account an administrator; return False if it already is one.

    Raises: ConfigurationError: there is no such account.  PostgresUnavailable, RedisUnavailable, AcceptUnknown:
            nothing is changed.
    """
    with _stores(system) as (connection, rounds):
        user = _locked(connection, email)
        if user.role == "admin":
            return False
        _set_role(connection, rounds, user, "admin")
    return True


def create(system: RunningSystem, email: str, password: str) -> None:
    """Create an administrator's account. Raises: ConfigurationError: the password is too weak.  EmailTaken.

    Also PostgresUnavailable: nothing is changed.
    """
    password = composed(password)
    if weak_password(password):
        raise ConfigurationError(f"The password is shorter than {PASSWORD_CHARS} characters, or easy to guess.")
    password_hash = hash_password(password)
    with _stores(system) as (connection, _):
        id_ = users.insert_admin(connection, composed(email).strip(), password_hash)
        audit_log.by_command(connection, "user.create", f"user {id_}", after={"role": "admin"})


def revoke(system: RunningSystem, email: str) -> None:
    """Make an administrator a user. Raises: ConfigurationError: there is no such administrator, or no other one.

    Also PostgresUnavailable, RedisUnavailable, AcceptUnknown: nothing is changed.
    """
    with _stores(system) as (connection, rounds):
        others = accounts.lock_administrators(connection)
        user = _locked(connection, email)
        if user.role != "admin":
            raise ConfigurationError(f"{user.email} is no administrator.")
        if others == 1:
            raise ConfigurationError(f"{user.email} is the only administrator: grant another account first.")
        _set_role(connection, rounds, user, "user")


def reset_second_factor(system: RunningSystem, email: str) -> bool:
    """Delete an account's second factor, end its sessions; return False if it has none.

    Raises: ConfigurationError: there is no such account.  PostgresUnavailable, RedisUnavailable, AcceptUnknown:
            nothing is changed.
    """
    with _stores(system) as (connection, rounds):
        user = _locked(connection, email)
        if not second_factors.delete(connection, user.id):
            return False
        audit_log.by_command(connection, "second_factor.reset", f"user {user.id}")
        end_sessions(connection, rounds, user)
    return True


def administrators(system: RunningSystem) -> list[User]:
    """Return all administrators by address. Raises: PostgresUnavailable."""
    with _stores(system) as (connection, _):
        return [
            user for user, _ in accounts.list_users(connection, email=None, role="admin", after=None, limit=1_000)
        ]


def _locked(connection: Connection, email: str) -> User:
    found = users.get_by_email(connection, email)
    user = accounts.lock_user(connection, found[0].id) if found else None
    if user is None:
        raise ConfigurationError(f"There is no account {email}.")
    return user


def _set_role(connection: Connection, rounds: Rounds, user: User, role: str) -> None:
    accounts.set_role(connection, user.id, role)
    audit_log.by_command(connection, "user.role", f"user {user.id}", {"role": user.role}, {"role": role})
    end_sessions(connection, rounds, user)


@click.group()
def command() -> None:
    """Say who is an administrator: grant, revoke, list; reset a second factor."""


@command.command("grant")
@click.argument("address")
@click.option("--create", "creates", is_flag=True, help="Create the account; ask for its password.")
@HOME
def grant_command(address: str, creates: bool, home: Path | None) -> None:
    """Make the account with this e-mail address an administrator."""
    system = find_running(home)
    if creates:
        create(system, address, click.prompt("Password", hide_input=True, confirmation_prompt=True))
        click.echo(f"{address} is a new administrator.")
    elif grant(system, address):
        click.echo(f"{address} is an administrator now, and must log in again.")
    else:
        click.echo(f"{address} is an administrator already.")


@command.command("revoke")
@click.argument("address")
@HOME
def revoke_command(address: str, home: Path | None) -> None:
    """Make the administrator with this e-mail address a user; at least one administrator remains."""
    revoke(find_running(home), address)
    click.echo(f"{address} is a user now, and must log in again.")


@command.command("reset-second-factor")
@click.argument("address")
@HOME
def reset_second_factor_command(address: str, home: Path | None) -> None:
    """Let the account with this e-mail address log in without a code, after its owner has lost the device."""
    if reset_second_factor(find_running(home), address):
        click.echo(f"{address} has no second factor now, and must log in again.")
    else:
        click.echo(f"{address} has no second factor.")


@command.command("list")
@HOME
def list_command(home: Path | None) -> None:
    """List the administrators' addresses."""
    for user in administrators(find_running(home)):
        click.echo(user.email)
