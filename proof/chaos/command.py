"""The command `onsale chaos`. Progress goes to stderr, the table to stdout."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

import click

from core.logs import configure
from proof.chaos.faults import EVERY

FOLDER = Path(".chaos")


@click.command("chaos")
@click.option("--minutes", type=click.FloatRange(0.2), default=10.0, show_default=True, help="Minutes under load.")
@click.option("--seed", type=click.IntRange(0), help="Repeat the faults of an earlier run.  [default: random]")
@click.option("--rate", type=click.FloatRange(1, 5_000), default=300.0, show_default=True, help="Requests/s offered.")
@click.option("--only", default="", help='Only these faults, e.g. "kill redis,stop worker".')
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the figures to this file.")
@click.option(
    "--docs",
    "runs",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Run nothing; write the table of docs/reliability.md from a --json file. May be given several times.",
)
@click.option("--keep", is_flag=True, help="Keep the record and the log even if nothing was violated.")
@click.option("--list", "listing", is_flag=True, help="Run nothing; list every fault.")
def command(
    minutes: float,
    seed: int | None,
    rate: float,
    only: str,
    path: Path | None,
    runs: tuple[Path, ...],
    keep: bool,
    listing: bool,
) -> None:
    """Run the whole system under load and faults, and check every invariant.

    Exits with 1 on any violation, and keeps the record of that run.
    """
    if listing:
        click.echo("\n".join(EVERY))
    elif runs:
        from proof.chaos.report import write_document

        write_document(list(runs))
    else:
        wanted = tuple(name.strip() for name in only.split(",") if name.strip())
        if unknown := [name for name in wanted if name not in EVERY]:
            raise click.BadParameter(f"no such fault: {', '.join(unknown)}", param_hint="--only")
        seed = secrets.randbelow(1_000_000) if seed is None else seed
        sys.exit(_run(minutes, seed, rate, wanted, path, keep))


def _run(minutes: float, seed: int, rate: float, only: tuple[str, ...], path: Path | None, keep: bool) -> int:
    """Run, print the results, and return the exit code."""
    from proof.chaos import report
    from proof.chaos.plan import make_plan
    from proof.chaos.run import run

    configure(process="chaos", json=False, level="WARNING")
    # SIGTERM, too, must end the system under test and unmount its file systems.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    again = f"onsale chaos --minutes {minutes:g} --seed {seed} --rate {rate:g}"
    again += f' --only "{",".join(only)}"' if only else ""
    click.echo(f"seed {seed}; repeat with: {again}", err=True)
    folder = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{seed}"
    result = run(make_plan(minutes, seed, rate, only), folder, lambda text: click.echo(text, err=True))
    figures = {**report.figures(result), "command": again}
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n")
    click.echo("\n".join([*report.table(figures), "", *report.summary(figures)]))
    for name, texts in result.verdict.examples.items():
        for text in texts:
            click.echo(f"VIOLATION  {name}  {text}")
    if keep or result.verdict.violations:
        (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
        (folder / "fired.txt").write_text("".join(f"{each}\n" for each in result.fired))
        (folder / "ages.txt").write_text("".join(f"{each}\n" for each in result.samples))
        click.echo(f"The record is in {folder}.")
    else:
        shutil.rmtree(folder)
    click.echo(f"{result.verdict.violations} violations; repeat with: {again}")
    return 1 if result.verdict.violations else 0
