"""The command `onsale replay`: a recorded sale again, at another speed or with another number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ops.rehearse import options
from ops.rehearse.command import MOST_S, limit_of, recorded_crowd, watching, wish_of
from ops.rehearse.rehearsal import rehearse
from ops.up.running import find_running


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--copy-of", type=click.IntRange(1), help="Send it to a copy of this show, which is closed afterwards.")
@click.option("--show", type=click.IntRange(1), help="Send it to this show itself, a copy made earlier.")
@click.option(
    "--speed", type=click.FloatRange(0.01, 1000), default=1.0, show_default=True, help="Times faster than recorded."
)
@click.option("--timeout", type=click.FloatRange(0, MOST_S, min_open=True), help="Seconds after which it ends.")
@options.shared
@click.pass_context
def command(
    ctx: click.Context,
    /,
    file: Path,
    copy_of: int | None,
    show: int | None,
    speed: float,
    timeout: float | None,
    as_json: bool,
    home: Path | None,
    **given: Any,
) -> None:
    """Send the requests of a recorded sale again, through the real api, and compare the outcomes.

    Exits with 0 if a sale like this will hold, with 1 if not.
    """
    if (copy_of is None) == (show is None):
        raise click.UsageError("Give either --copy-of or --show.")
    recording = options.read(file)
    system, limit_s = find_running(home), timeout or limit_of(recording, speed)
    crowd = recorded_crowd(system, recording, speed, limit_s, given, watching())
    wish = wish_of(
        system,
        {**given, "show_id": copy_of or show},
        copies=copy_of is not None,
        limit_s=limit_s,
        crowd=file.name,
        speed=speed,
        recorded=recording.header.sold,
    )
    options.finish(ctx, lambda: rehearse(system, options.home_of(home), wish, crowd), as_json=as_json)
