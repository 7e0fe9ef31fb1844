"""What was measured: named series of numbers, one number per round, and the arithmetic on them.

A ratio's value is that of the medians; its spread comes from the ratios round by round, since the rounds are
interleaved: what troubles the machine for a while troubles both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

Series = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with its least and most."""

    value: float
    least: float
    most: float


def figure(numbers: Sequence[float]) -> Figure | None:
    """The median and the spread; None if nothing was measured."""
    return Figure(median(numbers), min(numbers), max(numbers)) if numbers else None


def ratio(series: Mapping[str, Sequence[float]], top: str, bottom: str) -> Figure | None:
    """One series divided by another; None if one of them was not measured, or is 0."""
    tops, bottoms = series.get(top, ()), series.get(bottom, ())
    if not tops or not bottoms or min(bottoms) <= 0:
        return None
    each = [above / below for above, below in zip(tops, bottoms, strict=False)]
    return Figure(median(tops) / median(bottoms), min(each), max(each))


def percentile(numbers: Sequence[float], share: float) -> float:
    """The nearest rank: `share` is from 0 to 100. Raises ValueError if there are no numbers."""
    if not numbers:
        raise ValueError("Nothing was measured.")
    return sorted(numbers)[max(0, ceil(len(numbers) * share / 100) - 1)]


def add(series: Series, name: str, number: float) -> None:
    """One more round of a series."""
    series.setdefault(name, []).append(number)
