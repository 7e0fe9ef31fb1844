"""`make crash`: every crash point with every fault. `python -m proof.crash --help` tells the options."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.table import Table

from core import logs
from core.crash_points import POINTS, Fault
from core.errors import OnsaleError
from proof.crash.cases import Case, draw
from proof.crash.ground import open_ground
from proof.crash.run import Result, run

#: Of what the processes printed during a failed case, so many lines are shown; of what was wrong, so many.
SHOWN_LINES, SHOWN_WRONG = 40, 30
WAIT = "Seconds for a point to fire, and for everything to be decided after it."


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--point", "points", multiple=True, type=click.Choice(list(POINTS)), help="Only this one; repeatable.")
@click.option("--fault", "faults", multiple=True, type=click.Choice([*map(str, Fault)]), help="As --point.")
@click.option(
    "--sample", type=click.IntRange(0), help="All exits, and so many of the other faults, drawn by the seed."
)
@click.option("--all", "every", is_flag=True, help="Every point with every fault it can have. [the default]")
@click.option("--wait", "wait_s", type=float, default=30.0, show_default=True, help=WAIT)
@click.option("--seed", type=int, default=None, help="Draws the sample and each case's moment. [default: the time]")
def command(
    points: tuple[str, ...], faults: tuple[str, ...], sample: int | None, every: bool, wait_s: float, seed: int | None
) -> None:
    """Let one process fail at each crash point, and check that nothing was lost, doubled or left undecided."""
    if every and (points or faults or sample is not None):
        raise click.UsageError("--all goes with --seed alone.")
    seed = int(time.time()) if seed is None else seed
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cases = draw(points or list(POINTS), [Fault(each) for each in faults] or list(Fault), sample, seed)
    if not cases:
        raise click.UsageError("No call comes before this point, so no answer can be lost there.")
    with _quiet() as (console, log):
        console.print(f"{len(cases)} cases, seed {seed}", highlight=False)
        results = _run_all(cases, wait_s, console, log)
    sys.exit(1 if any(result.wrong for result in results) else 0)


def _run_all(cases: list[Case], wait_s: float, console: Console, log: IO[bytes]) -> list[Result]:
    begun = time.monotonic()
    results: list[Result] = []
    known: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="onsale-crash-") as folder, open_ground() as ground:
        for case in cases:
            where = log.seek(0, os.SEEK_END)
            try:
                result = run(ground, case, Path(folder), known, wait_s)
            except OnsaleError as error:
                result = Result(case, [f"{error.code}: {error}"])
            results.append(result)
            _tell(console, result)
            if result.wrong:
                _show(console, log, where)
    console.print(_table(results))
    failed = [result for result in results if result.wrong]
    asked, seconds = sum(result.asked for result in results), time.monotonic() - begun
    told = f"{len(results)} cases, {asked} bookings asked for, {seconds:.0f} s: {len(failed)} failed"
    console.print(told, *(f"  again: {result.case.command}" for result in failed), sep="\n", highlight=False)
    return results


def _tell(console: Console, result: Result) -> None:
    case = result.case
    verdict = "FAILED" if result.wrong else "ok"
    line = f"{case.point:4} {case.fault:6} {verdict:6} {result.seconds:5.1f} s  {result.asked} bookings"
    more = [f"     ... and {len(result.wrong) - SHOWN_WRONG} more"] if len(result.wrong) > SHOWN_WRONG else []
    wrong = [f"     {each}" for each in result.wrong[:SHOWN_WRONG]]
    console.print(line, *wrong, *more, sep="\n", highlight=False, markup=False, soft_wrap=True)


def _show(console: Console, log: IO[bytes], where: int) -> None:
    """The last lines that the processes printed in this case, but for those that tell of what went well."""
    log.seek(where)
    lines = [line for line in log.read().decode(errors="replace").splitlines() if "level=info" not in line]
    console.print("\n".join(lines[-SHOWN_LINES:]), markup=False, highlight=False, soft_wrap=True)


def _table(results: list[Result]) -> Table:
    """Point x fault: the seconds of a case that passed, or FAILED."""
    table = Table("point", *Fault)
    found = {(result.case.point, result.case.fault): result for result in results}
    for point in dict.fromkeys(result.case.point for result in results):
        cells = [found.get((point, fault)) for fault in Fault]
        texts = ["" if cell is None else "FAILED" if cell.wrong else f"{cell.seconds:.1f} s" for cell in cells]
        table.add_row(point, *texts)
    return table


@contextmanager
def _quiet() -> Iterator[tuple[Console, IO[bytes]]]:
    """A console on the real output; what our processes print goes to a file until the block ends."""
    logs.configure(process="crash", json=False, level="WARNING")
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as log, os.fdopen(os.dup(1), "w") as output:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=output), log
        finally:
            sys.stdout.flush()
            for number, original in enumerate(kept, 1):
                os.dup2(original, number)
                os.close(original)


def main() -> None:
    """Run the command; what is wrong is one line and exit code 2."""
    try:
        command()
    except OnsaleError as error:
        print(f"crash: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
