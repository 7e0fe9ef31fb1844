"""`make bench-overload`: overload measured two ways, of the workers (flood.py) and of the API (swarm.py).

Prints a table, writes bench/overload.json and the measured part of docs/reliability.md.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bench import flood, swarm
from bench.command import quiet
from bench.flood import Flood
from bench.generator import Generator
from bench.ground import open_ground
from bench.machine import describe
from bench.report import PROJECT
from bench.series import percentile
from bench.swarm import Swarm
from core.errors import OnsaleError
from core.settings import LocalSettings

FOUND = PROJECT / "bench" / "overload.json"
DOCUMENT = PROJECT / "docs" / "reliability.md"
BEGIN, END = "<!-- overload: begin -->", "<!-- overload: end -->"
#: Memory that one api process may have, MB; what Redis may have is its own maxmemory.
API_MB = 256
#: Times the peak that must really have been sent.
OFFERED = 0.9 * flood.FACTOR
#: What the API may answer when too many ask: accepted, repeated, sold out, full or away.
EXPECTED = {200, 201, 202, 409, 503}
#: One line of the table: what, wanted, found, met.
Row = tuple[str, str, str, bool]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(0.05, 600), default=5.0, show_default=True, help="Of the workers'.")
@click.option("--api-seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Of the API's.")
@click.option("--docs/--no-docs", default=True, show_default=True, help="Write docs/reliability.md.")
def command(minutes: float, api_seconds: float, docs: bool) -> None:
    """Offer five times what can be decided, and five times the connections that saturate; exit 1: a miss."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with quiet() as (console, _):
        with open_ground(LocalSettings.from_env().servers, lanes=flood.SHOWS) as ground, Generator() as generator:
            of_workers = flood.flood(ground, generator, minutes * 60, console.print)
            of_api = swarm.swarm(ground, generator, api_seconds, console.print)
        rows = workers_rows(of_workers) + api_rows(of_api)
        table = Table("what", "wanted", "found", "met")
        for what, wanted, told, met in rows:
            table.add_row(what, wanted, told, _met(wanted, met))
        console.print(table)
    about = f"{minutes:g} minutes of (a), {api_seconds:g} s of (b)"
    FOUND.write_text(json.dumps(figures(about, rows, of_workers, of_api), indent=1) + "\n")
    if docs:
        write_document(about, rows)
    if not all(row[3] for row in rows):
        sys.exit(1)


def _met(wanted: str, met: bool) -> str:
    return ("yes" if met else "NO") if wanted else ""


def workers_rows(found: Flood) -> list[Row]:
    """(a): the goals, and what was found."""
    share = found.decided / found.peak if found.peak else 0.0
    most = max((sum(each.waiting) for each in found.samples), default=0)
    cap = flood.CAP * flood.SHOWS
    least = min((min(each.waiting) for each in found.at_cap), default=0)
    memory = max((each.memory for each in found.samples), default=0)
    p50, p99 = (percentile(found.refused_ms, each) if found.refused_ms else 0.0 for each in (50, 99))
    other = {code: count for code, count in found.codes.items() if code not in EXPECTED}
    offered = found.offered / found.peak if found.peak else 0.0
    return [
        ("(a) offered, times the peak", f">= {OFFERED:g}", f"{offered:.2f}", offered >= OFFERED),
        ("(a) peak, decided/s, nobody asking", "", f"{found.peak:,.0f}", True),
        ("(a) decided/s under it, of the peak", ">= 90 %", f"{found.decided:,.0f}, {share:.0%}", share >= 0.9),
        ("(a) entries in all lanes, most", f"<= {cap:,}", f"{most:,}", 0 < most <= cap),
        ("(a) entries in the emptiest lane, least, once full", f">= {cap // flood.SHOWS // 2:,}", f"{least:,}",
         least >= cap // flood.SHOWS // 2),
        ("(a) refusals", "> 0", f"{len(found.refused_ms):,}", bool(found.refused_ms)),
        ("(a) latency of a refusal, p50", "", f"{p50:.1f} ms", True),
        ("(a) latency of a refusal, p99", "<= 50 ms", f"{p99:.1f} ms", bool(found.refused_ms) and p99 <= 50),
        ("(a) other answers, broken connections", "0", f"{other or 0}, {found.broken}",
         not other and not found.broken),
        ("(a) memory of Redis", f"<= half of {found.memory_limit / 1e6:,.0f} MB", f"{memory / 1e6:,.1f} MB",
         0 < memory <= found.memory_limit / 2),
        ("(a) accepted, without an outcome", "0", f"{found.lost} of {found.accepted:,}",
         found.accepted > 0 and not found.lost),
        ("(a) violations that verify finds", "0", str(len(found.violations)), not found.violations),
    ]  # fmt: skip


def api_rows(found: Swarm) -> list[Row]:
    """(b): the goals, and what was found."""
    other = {code: count for code, count in found.codes.items() if code not in EXPECTED}
    told = ", ".join(f"{count:,} {code}" for code, count in sorted(found.codes.items()))
    saturating = found.connections // swarm.FACTOR
    return [
        ("(b) connections that saturate", f"< {swarm.STEPS[-1]}, or more must be tried",
         f"{saturating}, {found.rates[saturating]:,.0f} answers/s", found.saturated),
        ("(b) answers to five times as many", "none but 2xx, 409, 503", told, bool(found.codes) and not other),
        ("(b) broken connections", "0", str(found.broken), not found.broken),
        ("(b) the same api processes afterwards", "yes", "no" if found.crashed else "yes", not found.crashed),
        ("(b) memory of the largest api process", f"<= {API_MB} MB", f"{found.rss_mb:.0f} MB",
         0 < found.rss_mb <= API_MB),
        ("(b) normal latency again after", "<= 10 s", f"{found.normal_after_s:.0f} s (a second's median at most "
         f"{found.normal_ms:.0f} ms)", found.normal_after_s <= 10),
    ]  # fmt: skip


def figures(about: str, rows: Sequence[Row], of_workers: Flood, of_api: Swarm) -> dict[str, Any]:
    """Everything as JSON."""
    return {
        "about": about,
        "machine": describe(),
        "rows": [dict(zip(("what", "wanted", "found", "met"), row, strict=True)) for row in rows],
        "workers": {
            "peak_per_s": of_workers.peak,
            "offered_per_s": of_workers.offered,
            "decided_per_s": of_workers.decided,
            "codes": dict(of_workers.codes),
            "waiting": [each.waiting for each in of_workers.samples],
            "memory": [each.memory for each in of_workers.samples],
            "violations": of_workers.violations,
        },
        "api": {"rates": of_api.rates, "codes": dict(of_api.codes), "rss_mb": of_api.rss_mb},
    }


def write_document(about: str, rows: Sequence[Row], document: Path = DOCUMENT) -> None:
    """Put the table between its markers. Raises OnsaleError: they are not there."""
    text = document.read_text()
    if BEGIN not in text or END not in text:
        raise OnsaleError(f"{document.name} has no place for the figures: {BEGIN} ... {END}")
    machine = describe()
    lines = [
        BEGIN,
        f"{machine['processor']}, {machine['cores']} cores; {about}.",
        "",
        "| what | wanted | found | met |",
        "|---|---|---|---|",
        *(f"| {what} | {wanted} | {told} | {_met(wanted, met)} |" for what, wanted, told, met in rows),
        END,
    ]
    document.write_text(text.partition(BEGIN)[0] + "\n".join(lines) + text.partition(END)[2])


def main() -> None:
    """Run the command; what is wrong is one line and exit code 2."""
    try:
        command()
    except OnsaleError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
