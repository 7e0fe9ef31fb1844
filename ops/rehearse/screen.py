"""The report as a table, with the verdict first."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from ops.rehearse.report import Report
from ops.rush.screen import rows


def table(report: Report) -> Table:
    """Return the table."""
    setting, figures = report.setting, report.figures
    shown = Table(title=f"rehearsal of show {setting.show_id} on show {setting.copy_id}: {figures.buyers:,} requests")
    shown.add_column("figure")
    shown.add_column("value", justify="right")
    verdict = Text("it holds", style="green") if report.holds else Text("it does not hold", style="bold red")
    shown.add_row("verdict", verdict)
    for reason in report.reasons:
        shown.add_row(Text(f"  {reason}", style="red"), "")
    shown.add_section()
    needed = "-" if report.workers_needed is None else str(report.workers_needed)
    shown.add_row("workers", str(setting.workers))
    shown.add_row(f"workers needed for a wait below {setting.eta_below_ms / 1000:g} s", needed)
    shown.add_row("crowd", f"{setting.crowd}, speed {setting.speed:g}")
    shown.add_row("seats taken", f"{setting.taken:,} of {setting.capacity:,}, {report.oversold} oversold")
    for name, text in rows(figures):
        shown.add_row(name, text)
    shown.add_row("violations", f"{figures.violations:,}")
    if report.sold is not None:
        shown.add_section()
        shown.add_row("seats sold: recorded, replayed", f"{report.sold.recorded:,}, {report.sold.replayed:,}")
        for each in report.sold.differences:
            shown.add_row(f"  {each.recorded} -> {each.replayed}: {each.why}", f"{each.count:,}")
    return shown
