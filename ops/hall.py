"""`onsale hall import`: adds a hall from a file, as the database's owner; or only shows what it would add."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
from redis.exceptions import ResponseError

from core.csv_plans import read_csv
from core.errors import ConfigurationError, OnsaleError
from core.hall_previews import preview
from core.imported_halls import ImportedHall
from core.imported_names import hall_name
from core.plans import BadPlan
from core.pretix_plans import read_pretix
from core.time_zones import is_known
from db.kv import catalogue_pages
from db.kv.catalogue_pages import Kind
from db.kv.rounds import Rounds
from db.postgres import audit_log, halls
from db.postgres.engine import make_engine, transaction
from ops.up.running import RunningSystem, find_running

#: A hall of 200,000 seats in pretix's format has some 40 MB.
MAX_FILE_BYTES = 64 * 1024 * 1024


def read_file(path: Path) -> ImportedHall:
    """Read a hall from a file: pretix's JSON if it begins with a brace, else CSV.

    Raises: ConfigurationError: it cannot be read or is too large, or its place and fault if it is not valid.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_FILE_BYTES // 1024**2} MiB.")
    try:
        return read_pretix(data) if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else read_csv(data)
    except BadPlan as fault:
        raise ConfigurationError(f"{path}: {fault}") from fault


def add(system: RunningSystem, name: str, imported: ImportedHall, time_zone: str | None = None) -> int:
    """Store a hall and return its id. Raises: PostgresUnavailable.   Repeat: another hall.

    Args: time_zone: IANA; None: the installation's.
    """
    engine = make_engine(system.database_url, pool_size=1, statement_timeout_ms=60_000)
    capacity = imported.hall.capacity
    try:
        with transaction(engine) as connection:
            hall_id = halls.insert_hall(connection, name, imported.plan, capacity, time_zone)
            after = {"name": name, "capacity": capacity, "imported": True}
            after |= {"time_zone": time_zone} if time_zone else {}
            audit_log.by_command(connection, "hall.create", f"hall {hall_id}", after=after)
    finally:
        engine.dispose()
    _drop_cached(system.redis_url)
    return hall_id


def _drop_cached(redis_url: str) -> None:
    """Drop the cached lists of halls. Without Redis they stay for CATALOGUE_CACHE_S at most."""
    rounds = Rounds(redis_url)
    try:
        with suppress(OnsaleError, ResponseError):
            rounds.call([catalogue_pages.drop_command([Kind.HALLS])], writes=False)
    finally:
        rounds.close()


@click.group()
def command() -> None:
    """Add halls."""


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="The hall's name. [default: the file's own, else the file's name]")
@click.option("--time-zone", help="IANA, such as Europe/Berlin. [default: the installation's]")
@click.option("--preview", "only_shown", is_flag=True, help="Show the hall, and store nothing.")
@click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")
def import_(file: Path, name: str | None, time_zone: str | None, only_shown: bool, home: Path | None) -> None:
    """Add a hall from FILE: a seating plan of pretix (JSON), or a line per seat (CSV); docs/halls.md has both."""
    if time_zone is not None and not is_known(time_zone):
        raise ConfigurationError(f"--time-zone: {time_zone} is no name of the IANA database.")
    imported = read_file(file)
    chosen = hall_name(name) if name is not None else imported.name or hall_name(file.stem)
    if not chosen:
        raise ConfigurationError("The hall needs a name that can be seen: --name.")
    click.echo(preview(imported, chosen))
    if not only_shown:
        hall_id = add(find_running(home), chosen, imported, time_zone)
        click.echo(f"\nHall {hall_id} is stored.")
