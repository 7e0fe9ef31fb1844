"""The terminal's view of a rush: one live line while it runs, one table at the end.

The line is redrawn four times a second from existing counters, so that it does not slow the rush down.
"""

from __future__ import annotations

import asyncio
import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops.rush.figures import Figures, Percentiles, Tally
from ops.rush.run import Watch

#: Seconds between two redraws of the live line.
REDRAW_S = 0.25


def live_on(console: Console) -> Watch:
    """Return a watch that draws the live line on this console until it is cancelled; its last state stays."""

    async def watch(tally: Tally) -> None:
        speed = Speed()
        with Live(console=console, auto_refresh=False) as live:
            try:
                while True:
                    live.update(progress(tally, speed), refresh=True)
                    await asyncio.sleep(REDRAW_S)
            finally:
                live.update(progress(tally, speed), refresh=True)

    return watch


class Speed:
    """Accepted and decided requests per second, over the last few redraws."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, int, int]] = []

    def read(self, tally: Tally) -> tuple[float, float]:
        """Return both rates, measured over about a second."""
        self._samples = [*self._samples[-4:], (time.perf_counter(), tally.accepted, tally.decided)]
        (then, accepted, decided), now = self._samples[0], self._samples[-1]
        spent_s = now[0] - then or 1.0
        return (now[1] - accepted) / spent_s, (now[2] - decided) / spent_s


def progress(tally: Tally, speed: Speed) -> Table:
    """Return the live line for the tally's current state."""
    accepts, decisions = speed.read(tally)
    line = Table(box=None, padding=(0, 2, 0, 0))
    parts = {
        "accepted": (f"{tally.accepted:,}", "cyan"),
        "waiting": (f"{tally.waiting:,}", "yellow"),
        "held": (f"{tally.held:,}", "magenta"),
        "confirmed": (f"{tally.confirmed:,}", "green"),
        "failed": (f"{tally.failed.total():,}", "red"),
        "refused": (f"{tally.refused.total():,}", "red"),
        "accepts/s": (f"{accepts:,.0f}", "cyan"),
        "decisions/s": (f"{decisions:,.0f}", "green"),
        "violations": (f"{len(tally.found):,}", "bold red" if tally.found else "dim"),
        "seconds": (f"{time.perf_counter() - tally.began_at:.1f}", "dim"),
    }
    for name in parts:
        line.add_column(name, justify="right", header_style="dim")
    line.add_row(*(Text(text, style=style) for text, style in parts.values()))
    return line


def final_table(figures: Figures) -> Table:
    """Return the figures as a table."""
    table = Table(title=f"rush on show {figures.show_id}: {figures.buyers:,} buyers, seed {figures.seed}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, text in rows(figures):
        table.add_row(name, text)
    table.add_section()
    table.add_row("violations", Text(f"{figures.violations:,}", style="bold red" if figures.violations else "green"))
    for text in figures.found:
        table.add_row(Text(f"  {text}", style="red"), "")
    return table


def rows(figures: Figures) -> list[tuple[str, str]]:
    """Return the names and texts of all figures but the violations."""
    return [
        ("accepted", f"{figures.accepted:,}"),
        *_parts("refused", figures.refused),
        ("unanswered", f"{figures.unanswered:,}"),
        ("confirmed", f"{figures.confirmed:,}"),
        *_parts("failed", figures.failed),
        ("undecided", f"{figures.undecided:,}" + (" (time was up)" if figures.timed_out else "")),
        ("seats sold", f"{figures.seats_sold:,}"),
        ("confirmed per second", f"{figures.confirmed_per_s:,.1f}"),
        ("decided per second", f"{figures.decided_per_s:,.1f}"),
        ("accept, ms p50 / p95 / p99", _three(figures.accept_ms)),
        ("outcome, ms p50 / p95 / p99", _three(figures.outcome_ms)),
        ("estimated wait (eta_ms), ms p50 / p95 / p99", _three(figures.eta_ms)),
        ("wait for a connection, ms p50 / p95 / p99", _three(figures.queue_ms)),
        ("polls per booking", f"{figures.polls_per_booking:.2f}"),
        *_parts("retries", figures.retried),
        ("network errors", f"{figures.network_errors:,}"),
    ]


def _parts(name: str, counts: dict[str, int]) -> list[tuple[str, str]]:
    total = sum(counts.values())
    return [(name, f"{total:,}"), *((f"  {reason}", f"{count:,}") for reason, count in counts.items())]


def _three(percentiles: Percentiles) -> str:
    values = (percentiles.p50, percentiles.p95, percentiles.p99)
    return " / ".join("-" if value is None else f"{value:,.1f}" for value in values)
