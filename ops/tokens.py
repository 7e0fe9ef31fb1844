"""`onsale tokens`: accounts and access tokens for a load test, without log-ins and password hashing.

It signs with the installation's key and inserts accounts as the database's owner. So it runs only on a system that
`onsale up` has started on its own servers, or where LOAD_TEST_TOKENS allows it.
"""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import click

from api.access.revocations import Revocations
from core.errors import ConfigurationError
from core.local_settings import LocalSettings
from core.token_settings import MAX_TOKEN_TTL_S
from db import revocations
from db.kv.rounds import Rounds
from db.postgres import audit_log, load_testers
from db.postgres.engine import make_engine, transaction
from ops.rush.tokens import mint
from ops.up.home import write_private
from ops.up.running import RunningSystem, find_running

MOST = 100_000


def create(system: RunningSystem, count: int, ttl_s: int) -> list[str]:
    """Create accounts for a load test and return a token for each, valid for `ttl_s` seconds.

    All belong to one session, so logging out with one of them revokes them all.
    Raises: PostgresUnavailable: there are no new accounts.   Repeat: creates others.
    """
    session = uuid4()
    engine = make_engine(system.database_url, pool_size=1)
    try:
        with transaction(engine) as connection:
            ids = load_testers.insert(connection, session, count)
            audit_log.by_command(connection, "tokens.create", f"session {session}", after={"accounts": count})
    finally:
        engine.dispose()
    return [mint(system.jwt_secret, str(id_), ttl_s=ttl_s, session=str(session)) for id_ in ids]


def remove(system: RunningSystem) -> int:
    """Delete all accounts of load tests and revoke their tokens; return how many accounts there were.

    Raises: PostgresUnavailable, RedisUnavailable, AcceptUnknown: nothing is deleted.   Repeat: there are none left.
    """
    engine, rounds = make_engine(system.database_url, pool_size=1), Rounds(system.redis_url)
    kept_s = Revocations.kept_s()
    try:
        with transaction(engine) as connection:
            sessions = load_testers.list_sessions(connection)
            count = load_testers.delete(connection, sessions)
            for session in sessions:
                audit_log.by_command(connection, "tokens.remove", f"session {session}")
            revoked = [revocations.insert_of_session(connection, str(session), kept_s) for session in sessions]
            for revocation in revoked:
                revocations.publish(rounds, revocation, now_s=time.time(), ttl_s=kept_s)
            return count
    finally:
        rounds.close()
        engine.dispose()


@click.command()
@click.option("--count", type=click.IntRange(1, MOST), help="Create this number of accounts, and a token for each.")
@click.option(
    "--minutes",
    type=click.IntRange(1, MAX_TOKEN_TTL_S // 60),
    default=60,
    show_default=True,
    help="How long the tokens are valid.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write them to this file, mode 600.")
@click.option("--remove", "removes", is_flag=True, help="Delete all these accounts, and revoke their tokens.")
@click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")
def command(count: int | None, minutes: int, out: Path | None, removes: bool, home: Path | None) -> None:
    """Create accounts and access tokens for a load test, one token a line.

    Outside `onsale up` on its own servers, LOAD_TEST_TOKENS=true must allow it.
    """
    if removes == (count is not None):
        raise click.UsageError("Give either --count or --remove.")
    system = find_running(home)
    if count is None:
        click.echo(f"accounts removed: {remove(system)}")
        return
    refuse_in_production(system)
    if out is not None and not out.resolve().parent.is_dir():
        raise ConfigurationError(f"{out} cannot be written: there is no folder {out.parent}.")
    text = "\n".join(create(system, count, minutes * 60)) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    _write(out, text)
    click.echo(f"{out}: {count} tokens, valid for {minutes} minutes", err=True)


def refuse_in_production(system: RunningSystem) -> None:
    """Raise ConfigurationError if this system is not a local one and LOAD_TEST_TOKENS is off."""
    if system.mode != "local" and not LocalSettings.from_env().load_test_tokens:
        raise ConfigurationError(
            "LOAD_TEST_TOKENS: this may be a production system, and each of these tokens lets its holder book. Set "
            "LOAD_TEST_TOKENS=true for this command if it may be loaded."
        )


def _write(out: Path, text: str) -> None:
    try:
        write_private(out, text)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror}. The accounts exist; onsale tokens --remove deletes them."
        ) from error
