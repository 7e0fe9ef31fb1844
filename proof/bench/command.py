"""`make bench`: the whole bench in one command. `python -m proof.bench --help` lists the options.

The output of contenders and servers goes to a file, whose end is shown if something fails.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import replace

import click
from rich.console import Console

from core.errors import OnsaleError
from core.local_settings import LocalSettings
from proof.bench import frontend_parts, parts, single_parts
from proof.bench.generator import NAME, Generator
from proof.bench.machine import describe
from proof.bench.parts import Bench
from proof.bench.report import LATEST, Report, last_scale, tables, write_document
from proof.bench.servers import open_servers
from proof.bench.sizes import FULL, QUICK, Sizes
from proof.kit.output import quiet, run_command, show_end

#: The parts of each round, in order; and the parts that run once.
EACH_ROUND: dict[str, Callable[[Bench], None]] = {
    "hot": parts.hot,
    "drain": parts.drains,
    "shows": parts.shows,
    "workers": parts.workers,
    "losers": single_parts.losers,
    "at-once": frontend_parts.at_once,
    "reads": frontend_parts.reads,
}
ONCE: dict[str, Callable[[Bench], None]] = {"rush": single_parts.rush, "latency": single_parts.latency}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Five minutes instead of forty: one round, fewer requests.")
@click.option("--rounds", type=click.IntRange(1, 50), help="The number of rounds.")
@click.option("--only", default="", help=f"Only these parts: {','.join((*EACH_ROUND, *ONCE))}.")
@click.option("--docs/--no-docs", default=None, help="Write docs/performance.md. [default: unless --quick or --only]")
def command(quick: bool, rounds: int | None, only: str, docs: bool | None) -> None:
    """Compare Onsale with other designs, in interleaved rounds; writes proof/bench/latest.json."""
    wanted = [name.strip() for name in only.split(",") if name.strip()] or [*EACH_ROUND, *ONCE]
    if unknown := set(wanted) - {*EACH_ROUND, *ONCE}:
        raise click.BadParameter(f"no such part: {', '.join(sorted(unknown))}", param_hint="--only")
    sizes = QUICK if quick else FULL
    sizes = replace(sizes, rounds=rounds) if rounds else sizes
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with quiet("bench") as (console, log):
        try:
            report = run(sizes, wanted, console)
        except BaseException:  # Ctrl-C too: the processes' output is lost when we end
            show_end(console, log)
            raise
        console.print(f"{LATEST.name} is written. Load generator: {NAME}.", *tables(report), sep="\n")
    if docs if docs is not None else not (quick or only):
        write_document(report)


def run(sizes: Sizes, wanted: list[str], console: Console) -> Report:
    """Run all rounds, and write latest.json after each part. A part that fails is reported, and the next one begins.

    Raises: OnsaleError: a part failed (raised at the end).
    """
    begun = time.monotonic()
    report = Report(sizes.rounds, describe(), NAME, scale=last_scale())
    failed: list[str] = []
    with open_servers(LocalSettings.from_env().servers) as servers, Generator() as generator:
        bench = Bench(servers, generator, sizes, lambda text: _tell(console, begun, text))
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


def main(run_: Callable[[], None] = command) -> None:
    """Run a command of the bench; print an error as one line and exit with code 2."""
    run_command("bench", run_)


if __name__ == "__main__":
    main()
