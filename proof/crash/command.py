"""`make crash`: every crash point with every fault. `python -m proof.crash --help` lists the options."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.table import Table

from core.crash_points import POINTS, Fault
from core.errors import OnsaleError
from proof.crash.cases import Case, draw
from proof.crash.run import Result, run
from proof.crash.system import open_system
from proof.kit.output import quiet, run_command, show_end

#: Max findings shown per failed case.
SHOWN_WRONG = 30
WAIT = "Seconds for a point to fire, and for everything to be decided after it."


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--point", "points", multiple=True, type=click.Choice(list(POINTS)), help="Only this; repeatable.")
@click.option("--fault", "faults", multiple=True, type=click.Choice([*map(str, Fault)]), help="As --point.")
@click.option(
    "--sample",
    type=click.IntRange(0),
    help="All exits, and this number of other cases, drawn by the seed.",
)
@click.option("--all", "every", is_flag=True, help="Every point with every possible fault. [the default]")
@click.option("--wait", "wait_s", type=float, default=30.0, show_default=True, help=WAIT)
@click.option("--seed", type=int, default=None, help="Draws the sample and each case's moment. [default: the time]")
def command(
    points: tuple[str, ...], faults: tuple[str, ...], sample: int | None, every: bool, wait_s: float, seed: int | None
) -> None:
    """Fail one process at each crash point, and check that nothing was lost, doubled or left undecided."""
    if every and (points or faults or sample is not None):
        raise click.UsageError("--all goes with --seed only.")
    seed = int(time.time()) if seed is None else seed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cases = draw(points or list(POINTS), [Fault(each) for each in faults] or list(Fault), sample, seed)
    if not cases:
        raise click.UsageError("No call comes before this point, so no answer can be lost there.")
    with quiet("crash") as (console, log):
        console.print(f"{len(cases)} cases, seed {seed}", highlight=False)
        results = _run_all(cases, wait_s, console, log)
    sys.exit(1 if any(result.wrong for result in results) else 0)


def _run_all(cases: list[Case], wait_s: float, console: Console, log: IO[bytes]) -> list[Result]:
    begun = time.monotonic()
    results: list[Result] = []
    known: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="onsale-crash-") as folder, open_system() as system:
        for case in cases:
            where = log.seek(0, os.SEEK_END)
            try:
                result = run(system, case, Path(folder), known, wait_s)
            except OnsaleError as error:
                result = Result(case, [f"{error.code}: {error}"])
            results.append(result)
            _print(console, result)
            if result.wrong:
                show_end(console, log, where)
    console.print(_table(results))
    failed = [result for result in results if result.wrong]
    asked, seconds = sum(result.asked for result in results), time.monotonic() - begun
    summary = f"{len(results)} cases, {asked} bookings requested, {seconds:.0f} s: {len(failed)} failed"
    console.print(summary, *(f"  again: {result.case.command}" for result in failed), sep="\n", highlight=False)
    return results


def _print(console: Console, result: Result) -> None:
    case = result.case
    verdict = "FAILED" if result.wrong else "ok"
    line = f"{case.point:22} {case.fault:6} {verdict:6} {result.seconds:5.1f} s  {result.asked} bookings"
    more = [f"     ... and {len(result.wrong) - SHOWN_WRONG} more"] if len(result.wrong) > SHOWN_WRONG else []
    wrong = [f"     {each}" for each in result.wrong[:SHOWN_WRONG]]
    console.print(line, *wrong, *more, sep="\n", highlight=False, markup=False, soft_wrap=True)


def _table(results: list[Result]) -> Table:
    """Return a table of points and faults: the seconds of each case that passed, or FAILED."""
    table = Table("point", *Fault)
    found = {(result.case.point, result.case.fault): result for result in results}
    for point in dict.fromkeys(result.case.point for result in results):
        cells = [found.get((point, fault)) for fault in Fault]
        texts = ["" if cell is None else "FAILED" if cell.wrong else f"{cell.seconds:.1f} s" for cell in cells]
        table.add_row(point, *texts)
    return table


def main() -> None:
    """Run the command; print an error as one line and exit with code 2."""
    run_command("crash", command)


if __name__ == "__main__":
    main()
