"""Bar charts as SVG, from templates without a library, for light and dark backgrounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW, LEFT, WIDTH, RIGHT, TOP = 34, 190, 460, 110, 44

PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}"
     font-family="system-ui, sans-serif" font-size="14">
<style>text {{ fill: #24292f }} .mark {{ fill: #0969da }} .bar {{ fill: #8c959f }} .span {{ stroke: #24292f }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .span {{ stroke: #e6edf3 }} }}</style>
<text x="8" y="24" font-weight="600">{title}</text>
{rows}
</svg>
"""
BAR = """<text x="{left}" y="{text_y}" text-anchor="end">{name}</text>
<rect class="{kind}" x="{x}" y="{y}" width="{width:.1f}" height="20" rx="2"/>
<line class="span" x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}" stroke-width="2"/>
<text x="{after:.1f}" y="{text_y}">{value}</text>"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its spread. `ours`: it is highlighted."""

    name: str
    value: float
    least: float
    most: float
    ours: bool = False


def bars(title: str, found: Sequence[Bar], unit: str = "/s") -> str:
    """Return a chart of horizontal bars, all on one scale that starts at 0."""
    longest = max((bar.most for bar in found), default=1.0) or 1.0
    rows = [_row(number, bar, WIDTH / longest, unit) for number, bar in enumerate(found)]
    return PAGE.format(
        width=LEFT + WIDTH + RIGHT, height=TOP + ROW * len(found) + 8, title=escape(title), rows="\n".join(rows)
    )


def _row(number: int, bar: Bar, scale: float, unit: str) -> str:
    y, x = TOP + ROW * number, LEFT + 10
    return BAR.format(
        left=LEFT,
        name=escape(bar.name),
        kind="mark" if bar.ours else "bar",
        x=x,
        y=y,
        width=bar.value * scale,
        least=x + bar.least * scale,
        most=x + bar.most * scale,
        middle=y + 10,
        after=x + bar.most * scale + 8,
        text_y=y + 15,
        value=f"{bar.value:,.0f}{escape(unit)}",
    )
