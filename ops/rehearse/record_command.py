"""The command `onsale record`: a sale's requests from the journal, into a file without personal data."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from core.errors import ConfigurationError
from core.ids import lane_of
from core.times import to_ms
from db.postgres import journal
from db.postgres.engine import transaction
from ops.rehearse.copies import opened
from ops.rehearse.recorder import Recorder, record
from ops.rehearse.recording import Recording, dump
from ops.up.running import RunningSystem, find_running


class MomentType(click.ParamType[int]):
    """A time with its zone, as ISO 8601; milliseconds since 1970."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse the time; report a wrong one as a usage error."""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            self.fail(f"{error}. Write a time such as 2026-12-01T18:00:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no zone. Write a time such as 2026-12-01T18:00:00Z.", param, ctx)
        return to_ms(moment)


@click.command()
@click.option("--show", "show_id", type=click.IntRange(1), required=True, help="The show whose sale is recorded.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The new file.")
@click.option("--from", "begin_ms", type=MomentType(), default=0, help="Only what was accepted from this time on.")
@click.option("--to", "end_ms", type=MomentType(), default=1 << 53, help="Only what was accepted before this time.")
@click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]")
def command(show_id: int, out: Path, begin_ms: int, end_ms: int, home: Path | None) -> None:
    """Record the requests that a show's lane has decided: when, for what, and what became of them; not by whom.

    Requests that were refused at admission are not in the journal, and so not in the file.
    """
    if begin_ms >= end_ms:
        raise click.UsageError("--from must be before --to.")
    recording = read_sale(find_running(home), show_id, Recorder(begin_ms, end_ms))
    try:
        with out.open("x", encoding="ascii") as file:
            file.writelines(dump(recording))
    except FileExistsError:
        raise ConfigurationError(f"{out} exists already. Choose another name.") from None
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}.") from error
    header = recording.header
    click.echo(
        f"{out}: {header.arrivals:,} requests of {header.buyers:,} buyers in {recording.span_ms / 1000:,.1f} s, "
        f"{header.sold:,} seats sold, {header.left_out:,} operations left out",
        err=True,
    )


def read_sale(system: RunningSystem, show_id: int, recorder: Recorder) -> Recording:
    """Return the recording of a show's sale. Raises: ConfigurationError: no such show.  NothingToRecord."""
    with opened(system, statement_timeout_ms=0) as stores:
        capacity = stores.show(show_id).capacity
        with transaction(stores.engine) as connection:
            rows = journal.read(connection, lane_of(show_id, stores.lanes), show_id)
            return record(rows, show_id, capacity, recorder)
