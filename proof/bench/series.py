"""The measurements: named series of numbers, one number per round, and arithmetic on them.

The value of a ratio is that of the medians. Its spread comes from the ratios round by round: rounds are interleaved,
so whatever slows the machine down for a while slows down both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

Series = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with the minimum and maximum."""

    value: float
    least: float
    most: float


def figure(numbers: Sequence[float]) -> Figure | None:
    """Return the median and the spread; None if nothing was measured."""
    return Figure(median(numbers), min(numbers), max(numbers)) if numbers else None


def ratio(series: Mapping[str, Sequence[float]], top: str, bottom: str) -> Figure | None:
    """Return one series divided by another; None if one was not measured, or the divisor is not positive."""
    tops, bottoms = series.get(top, ()), series.get(bottom, ())
    if not tops or not bottoms or min(bottoms) <= 0:
        return None
    each = [above / below for above, below in zip(tops, bottoms, strict=False)]
    return Figure(median(tops) / median(bottoms), min(each), max(each))


def percentile(numbers: Sequence[float], share: float) -> float:
    """Return the percentile (nearest rank); `share`: 0 to 100. Raises ValueError if there are no numbers."""
    if not numbers:
        raise ValueError("Nothing was measured.")
    return sorted(numbers)[max(0, ceil(len(numbers) * share / 100) - 1)]


def add(series: Series, name: str, number: float) -> None:
    """Append a round's number to a series."""
    series.setdefault(name, []).append(number)
