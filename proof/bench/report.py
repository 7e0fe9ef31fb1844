"""The bench's reports: tables, proof/bench/latest.json, charts, and the measured part of docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from proof.bench.charts import Bar, bars
from proof.bench.goals import GOALS, judge
from proof.bench.series import Figure, Series, figure

PROJECT = Path(__file__).resolve().parents[2]
LATEST = PROJECT / "proof" / "bench" / "latest.json"
DOCUMENT = PROJECT / "docs" / "performance.md"
BEGIN, END = "<!-- bench: from here on written by make bench -->", "<!-- bench: until here -->"
#: Charts: file, title, prefix of the loads' names.
PICTURES = (
    ("bench-hot.svg", "Confirmed bookings per second, one hot show", "hot "),
    ("bench-20.svg", "Confirmed bookings per second, 20 shows", "20 "),
    ("bench-1000.svg", "Confirmed bookings per second, 1,000 shows", "1000 "),
)


@dataclass(slots=True)
class Report:
    """The results of one run. `cpu`: CPU seconds per booking, by load and kind of process."""

    rounds: int
    machine: dict[str, Any]
    generator: str
    series: Series = field(default_factory=dict)
    cpu: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    busy: Series = field(default_factory=dict)
    #: The last result of `make bench-scale`: it is part of the goals, but runs separately.
    scale: dict[str, Any] = field(default_factory=dict)

    def judged(self) -> dict[str, dict[str, Any]]:
        """Return the goals, growth among them if it was ever measured."""
        return judge({**self.series, "scale": [self.scale["value"]]} if self.scale else self.series)

    def to_json(self) -> dict[str, Any]:
        """Return the contents of latest.json."""
        spread = {name: found for name, numbers in self.series.items() if (found := figure(numbers))}
        return {
            "goals": self.judged(),
            "machine": self.machine,
            "rounds": self.rounds,
            "generator": {
                "what": self.generator,
                "share_of_a_core": {name: round(median(each), 3) for name, each in self.busy.items()},
            },
            "figures": {n: {"median": f.value, "least": f.least, "most": f.most} for n, f in spread.items()},
            "cpu_us_per_booking": {
                load: {kind: round(median(each) * 1e6, 1) for kind, each in kinds.items()}
                for load, kinds in self.cpu.items()
            },
            "series": self.series,
            "scale": self.scale,
        }

    def write(self, latest: Path = LATEST) -> None:
        """Write latest.json."""
        latest.write_text(json.dumps(self.to_json(), indent=1) + "\n")


def last_scale(latest: Path = LATEST) -> dict[str, Any]:
    """Return the result of `make bench-scale` in latest.json; {} if there is none."""
    try:
        return dict(json.loads(latest.read_text()).get("scale") or {})
    except (OSError, ValueError):
        return {}


def last_report(latest: Path = LATEST) -> Report | None:
    """Return the report in latest.json, with CPU as medians; None if the bench has not run."""
    kept = json.loads(latest.read_text()) if latest.exists() else {}
    if "series" not in kept:
        return None
    cpu = {
        load: {kind: [us / 1e6] for kind, us in kinds.items()} for load, kinds in kept["cpu_us_per_booking"].items()
    }
    return Report(
        kept["rounds"],
        kept["machine"],
        kept["generator"]["what"],
        series=kept["series"],
        cpu=cpu,
        scale=kept["scale"],
    )


def tables(report: Report) -> list[Table]:
    """Return tables for a terminal: the goals, and the rates with their CPU."""
    goals = Table(title=f"Goals, {report.rounds} rounds")
    for name in ("goal", "what", "wanted", "found", "spread", "met"):
        goals.add_column(name, justify="left" if name in ("goal", "what") else "right")
    for cells in goal_rows(report.judged()):
        goals.add_row(*cells)
    rates = Table(title="Loads: per second, and CPU microseconds per booking")
    for name, justify in (("load", "left"), ("median", "right"), ("least - most", "right"), ("CPU", "left")):
        rates.add_column(name, justify="left" if justify == "left" else "right")
    for cells in rate_rows(report):
        rates.add_row(*cells)
    return [goals, rates]


def goal_rows(judged: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return one row per measured goal: name, text, goal, value, spread, met."""
    wanted = {goal.name: f"{'>=' if goal.at_least else '<='} {goal.goal:g}" for goal in GOALS}
    return [
        (
            name, each["text"], wanted[name], f"{each['value']:g}",
            " - ".join(f"{number:g}" for number in each["spread"]), "yes" if each["met"] else "no",
        )
        for name, each in judged.items()
    ]  # fmt: skip


def rate_rows(report: Report) -> list[tuple[str, ...]]:
    """Return one row per load: name, median, spread, CPU by kind of process."""
    rows: list[tuple[str, ...]] = []
    for load, kinds in report.cpu.items():
        found = figure(report.series[load])
        assert found is not None
        used = {kind: median(each) * 1e6 for kind, each in kinds.items()}
        cpu = ", ".join(f"{kind} {us:,.0f}" for kind, us in used.items() if us >= 1)
        rows.append((load, f"{found.value:,.0f}", f"{found.least:,.0f} - {found.most:,.0f}", cpu))
    for name in ("pgbench", "drain rows", "drain recorded", "drain published"):
        if found := figure(report.series.get(name, ())):
            rows.append((name, f"{found.value:,.0f}", f"{found.least:,.0f} - {found.most:,.0f}", ""))
    return rows


def growth_rows(scale: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return one row per thing that grows: its name, and the CPU and time of its steps, in us per booking."""
    return [
        (name, *(", ".join(f"{cost[what]:,.0f}" for cost in costs) for what in ("cpu_us", "time_us")))
        for name, costs in scale.get("costs", {}).items()
    ]


def write_document(report: Report, document: Path = DOCUMENT) -> None:
    """Write the measured part between its markers, and the charts next to the document."""
    shown = []
    for name, title, prefix in PICTURES:
        if found := _bars(report.series, prefix):
            (document.parent / name).write_text(bars(title, found))
            shown.append(f"![{title}]({name})")
    machine = report.machine
    lines = [
        BEGIN,
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}, Postgres {machine['postgres']}, Valkey {machine['valkey']}; "
        f"{report.rounds} rounds, interleaved; medians, least and most. Load generator: {report.generator}.",
        "",
        *_markdown(("goal", "what", "wanted", "found", "spread", "met"), goal_rows(report.judged())),
        "",
        *_markdown(("load", "per second", "least - most", "CPU, us per booking"), rate_rows(report)),
        "",
        *_markdown(("what grows", "CPU, us per booking, step by step", "time, us"), growth_rows(report.scale)),
        "",
        *shown,
        "",
        END,
    ]
    before = document.read_text() if document.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    document.write_text(replaced(before, "\n".join(lines)))


def replaced(text: str, measured: str) -> str:
    """Return the text with the part between the markers replaced; it is appended if there are no markers."""
    if BEGIN not in text or END not in text:
        return f"{text.rstrip()}\n\n{measured}\n"
    return text.partition(BEGIN)[0] + measured + text.partition(END)[2]


def _bars(series: Series, prefix: str) -> list[Bar]:
    names = [name for name in series if name.startswith(prefix)] + (["pgbench"] if prefix == "hot " else [])
    found: list[tuple[str, Figure]] = [(name, each) for name in names if (each := figure(series.get(name, ())))]
    return [
        Bar(name.removeprefix(prefix), each.value, each.least, each.most, "onsale" in name) for name, each in found
    ]


def _markdown(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ("---",) * len(heads), *rows)]
