"""Options that `onsale rehearse` and `onsale replay` share, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from core.local_settings import LocalSettings
from ops.rehearse.recording import Recording, UnreadableRecording, parse
from ops.rehearse.report import Report
from ops.rehearse.screen import table

F = TypeVar("F", bound=Callable[..., Any])

#: Exit codes: it would hold; it would not; interrupted (an error is 2, as for every command).
HOLDS, FAILS, INTERRUPTED = 0, 1, 130

_SHARED = (
    click.option("--workers", type=click.IntRange(1, 64), help="Number of workers meanwhile.  [default: as it is]"),
    click.option(
        "--eta-below",
        type=click.FloatRange(0, min_open=True),
        default=10.0,
        show_default=True,
        help="Seconds that the p95 of the wait for an outcome must be below.",
    ),
    click.option(
        "--connections", type=click.IntRange(1, 10_000), default=64, show_default=True, help="Max connections."
    ),
    click.option(
        "--verify/--no-verify", "proves", default=True, show_default=True, help="Run onsale verify at the end."
    ),
    click.option("--force", is_flag=True, help="Also while requests of other shows wait."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table."),
    click.option("--home", type=click.Path(path_type=Path), help="The home folder. [env: ONSALE_HOME]"),
    click.option("--anywhere", is_flag=True, help="Allow an api on another machine."),
)


def shared(command: F) -> F:
    """Add the shared options to a command's function."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


def read(path: Path) -> Recording:
    """Read a recording. Raises: UnreadableRecording, which names file and line."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            return parse(lines)
    except UnreadableRecording as error:
        raise UnreadableRecording(f"{path}: {error}") from error
    except OSError as error:
        raise UnreadableRecording(f"{path} cannot be read: {error.strerror}.") from error


def home_of(given: Path | None) -> Path:
    """Return the home folder, from the option or the environment."""
    return (LocalSettings.from_env().home if given is None else given).resolve()


def finish(ctx: click.Context, run: Callable[[], Report], *, as_json: bool) -> None:
    """Run it, print the report and exit: 0 if it would hold, 1 if not, 130 if it was interrupted."""
    try:
        report = run()
    except KeyboardInterrupt:
        click.echo("onsale: interrupted; no copy is on sale, and the number of workers is as before.", err=True)
        ctx.exit(INTERRUPTED)
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        Console().print(table(report))
    ctx.exit(HOLDS if report.holds else FAILS)
