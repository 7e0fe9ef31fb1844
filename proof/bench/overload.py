"""`make bench-overload`: overload of the workers (worker_overload.py), then of the API (api_overload.py).

Prints a table, and writes proof/bench/overload.json and the measured part of docs/reliability.md.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from core.errors import OnsaleError
from core.local_settings import LocalSettings
from proof.bench import api_overload, worker_overload
from proof.bench.api_overload import ApiOverload
from proof.bench.command import main
from proof.bench.generator import Generator
from proof.bench.machine import describe
from proof.bench.report import PROJECT
from proof.bench.series import percentile
from proof.bench.servers import open_servers
from proof.bench.verdicts import Row, api_rows, workers_rows
from proof.bench.worker_overload import WorkerOverload
from proof.kit.output import quiet, show_end

FOUND = PROJECT / "proof" / "bench" / "overload.json"
DOCUMENT = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- overload: begin -->", "<!-- overload: end -->"
HEADS = ("what", "wanted", "found", "met")
#: Minutes of (a) and seconds of (b): the full run, and --quick.
FULL, QUICK = (5.0, 20.0), (0.25, 5.0)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help=f"{QUICK[0]:g} minutes and {QUICK[1]:g} seconds.")
@click.option("--minutes", type=click.FloatRange(0.05, 60), help=f"Minutes of (a), workers. [default: {FULL[0]:g}]")
@click.option("--api-seconds", type=click.FloatRange(1, 120), help=f"Seconds of (b), API. [default: {FULL[1]:g}]")
@click.option("--docs/--no-docs", default=None, help="Write docs/reliability.md. [default: unless --quick]")
def command(quick: bool, minutes: float | None, api_seconds: float | None, docs: bool | None) -> None:
    """Offer five times what can be decided, then five times the connections that saturate. Exits with 1 on a miss."""
    sizes = QUICK if quick else FULL
    minutes, api_seconds = minutes or sizes[0], api_seconds or sizes[1]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machine = describe()
    with quiet("bench") as (console, log):
        try:
            of_workers, of_api = measure(minutes * 60, api_seconds, console.print)
        except BaseException:  # Ctrl-C too: the processes' output is lost when we end
            show_end(console, log)
            raise
        rows = workers_rows(of_workers) + api_rows(of_api)
        table = Table(*HEADS)
        for row in rows:
            table.add_row(*_cells(row))
        console.print(table)
    about = f"{minutes:g} minutes of (a), {api_seconds:g} s of (b)"
    FOUND.write_text(json.dumps(figures(about, machine, rows, of_workers, of_api), indent=1) + "\n")
    if docs if docs is not None else not quick:
        write_document(about, machine, rows)
    if not all(row.met for row in rows):
        sys.exit(1)


def measure(workers_s: float, api_s: float, tell: Callable[[str], None]) -> tuple[WorkerOverload, ApiOverload]:
    """Measure both parts, one after the other, on servers started for them."""
    with (
        open_servers(LocalSettings.from_env().servers, lanes=worker_overload.SHOWS) as servers,
        Generator() as generator,
    ):
        return worker_overload.overload_workers(servers, generator, workers_s, tell), api_overload.overload_api(
            servers, generator, api_s, tell
        )


def figures(
    about: str, machine: dict[str, Any], rows: Sequence[Row], of_workers: WorkerOverload, of_api: ApiOverload
) -> dict[str, Any]:
    """Return everything as JSON. Infinite times become null."""
    return {
        "about": about,
        "machine": machine,
        "met": all(row.met for row in rows),
        "rows": [row._asdict() for row in rows],
        "workers": {
            "peaks_per_s": of_workers.peaks,
            "offered_per_s": of_workers.offered,
            "decided_per_s": of_workers.decided,
            "codes": dict(of_workers.codes),
            "refused_ms": _spread(of_workers.refused_ms),
            "late_ms": _spread(of_workers.late_ms),
            "generator_share_of_a_core": of_workers.busy,
            "waiting": [each.waiting for each in of_workers.samples],
            "memory": [each.memory for each in of_workers.samples],
            "violations": of_workers.violations,
        },
        "api": {
            "answers_per_s": of_api.rates,
            "connections": of_api.connections,
            "codes": dict(of_api.codes),
            "rss_mb": of_api.rss_mb,
            "memory": of_api.memory,
            "normal_after_s": of_api.normal_after_s if isfinite(of_api.normal_after_s) else None,
            "emptied_s": of_api.emptied_s if isfinite(of_api.emptied_s) else None,
            "violations": of_api.violations,
        },
    }


def write_document(about: str, machine: dict[str, Any], rows: Sequence[Row], document: Path = DOCUMENT) -> None:
    """Write the table between its markers. Raises: OnsaleError: the markers are missing."""
    text = document.read_text()
    if BEGIN not in text or END not in text:
        raise OnsaleError(f"{document.name} has no place for the figures: {BEGIN} ... {END}")
    lines = [
        BEGIN,
        f"{machine['processor']}, {machine['cores']} cores; {about}.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in (HEADS, ("---",) * len(HEADS), *map(_cells, rows))),
        END,
    ]
    document.write_text(text.partition(BEGIN)[0] + "\n".join(lines) + text.partition(END)[2])


def _cells(row: Row) -> tuple[str, str, str, str]:
    return row.what, row.wanted, row.found, ("yes" if row.met else "NO") if row.wanted else ""


def _spread(numbers: Sequence[float]) -> dict[str, float]:
    return {f"p{share:g}": percentile(numbers, share) for share in (50, 90, 99, 99.9, 100)} if numbers else {}


if __name__ == "__main__":
    main(command)
