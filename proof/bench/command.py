"""`make bench`: the whole bench in one command. `python -m proof.bench --help` tells the options.

What the contenders and the servers print goes to a file; its end is shown if something fails.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

import click
from rich.console import Console

from core import logs
from core.errors import OnsaleError
from core.local_settings import LocalSettings
from proof.bench import parts, storms
from proof.bench.generator import NAME, Generator
from proof.bench.ground import open_ground
from proof.bench.machine import describe
from proof.bench.parts import Bench
from proof.bench.report import LATEST, Report, last_scale, tables, write_document
from proof.bench.sizes import FULL, QUICK, Sizes

#: The parts: those of each round in their order, then those that run once.
EACH_ROUND: dict[str, Callable[[Bench], None]] = {
    "hot": parts.hot,
    "drain": parts.drains,
    "shows": parts.shows,
    "workers": parts.workers,
    "losers": storms.losers,
}
ONCE: dict[str, Callable[[Bench], None]] = {"rush": storms.rush, "latency": storms.latency}
#: Of the processes' own output, so many bytes are looked at when something fails, and so many lines shown.
SHOWN, SHOWN_LINES = 100_000, 30


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Five minutes instead of forty: one round, fewer requests.")
@click.option("--rounds", type=click.IntRange(1, 50), help="Another number of rounds.")
@click.option("--only", default="", help=f"Some parts: {','.join((*EACH_ROUND, *ONCE))}.")
@click.option("--docs/--no-docs", default=None, help="Write docs/performance.md. [default: unless --quick or --only]")
def command(quick: bool, rounds: int | None, only: str, docs: bool | None) -> None:
    """Measure Onsale beside other designs, in interleaved rounds; writes proof/bench/latest.json."""
    wanted = [name.strip() for name in only.split(",") if name.strip()] or [*EACH_ROUND, *ONCE]
    if unknown := set(wanted) - {*EACH_ROUND, *ONCE}:
        raise click.BadParameter(f"no such part: {', '.join(sorted(unknown))}", param_hint="--only")
    sizes = QUICK if quick else FULL
    sizes = replace(sizes, rounds=rounds) if rounds else sizes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with quiet() as (console, log):
        try:
            report = run(sizes, wanted, console)
        except BaseException:  # a Ctrl-C too: what the processes printed is gone with us
            show_end(console, log)
            raise
        console.print(f"{LATEST.name} is written. Load generator: {NAME}.", *tables(report), sep="\n")
    if docs if docs is not None else not (quick or only):
        write_document(report)


def run(sizes: Sizes, wanted: list[str], console: Console) -> Report:
    """All rounds; latest.json grows with each part. A part that fails is told, and the next one begins.

    Raises OnsaleError at the end if a part failed.
    """
    begun = time.monotonic()
    report = Report(sizes.rounds, describe(), NAME, scale=last_scale())
    failed: list[str] = []
    with open_ground(LocalSettings.from_env().servers) as ground, Generator() as generator:
        bench = Bench(ground, generator, sizes, lambda text: _tell(console, begun, text))
        bench.prepare()
        report.series, report.cpu, report.busy = bench.series, bench.cpu, bench.busy
        plan = [(number, name) for number in range(1, sizes.rounds + 1) for name in EACH_ROUND]
        for number, name in [*plan, *((0, name) for name in ONCE)]:
            if name not in wanted:
                continue
            bench.tell(f"{name}, round {number} of {sizes.rounds}" if number else name)
            try:
                (EACH_ROUND | ONCE)[name](bench)
            except (OnsaleError, AssertionError, OSError) as error:
                failed.append(name)
                bench.tell(f"FAILED  {name}: {error}")
            report.write()
    if failed:
        console.print(*tables(report), sep="\n")
        raise OnsaleError(f"These parts failed: {', '.join(sorted(set(failed)))}.")
    return report


def _tell(console: Console, begun: float, text: str) -> None:
    console.print(f"{time.monotonic() - begun:7.1f} s  {text}", highlight=False)


@contextmanager
def quiet() -> Iterator[tuple[Console, IO[bytes]]]:
    """A console on the real output; what we and our processes print goes to a file until the block ends."""
    logs.configure(process="bench", json=False, level="WARNING")
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


def show_end(console: Console, log: IO[bytes]) -> None:
    """Show the last lines of what the processes printed."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - SHOWN))
    lines = [line for line in log.read().decode(errors="replace").splitlines() if "level=info" not in line]
    console.print("\n".join(lines[-SHOWN_LINES:]), markup=False, highlight=False)


def main(run_: Callable[[], None] = command) -> None:
    """Run a command of the bench; what is wrong is one line and exit code 2."""
    try:
        run_()
    except OnsaleError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
