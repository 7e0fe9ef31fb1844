"""Where in one row a number of adjacent seats fits best, and whether seats are adjacent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.halls import Hall

#: A stretch of columns: the first, and the last + 1.
Stretch = tuple[int, int]


class Place(NamedTuple):
    """Adjacent seats from a column on, and how many free seats they leave without a free neighbour."""

    singles: int
    start: int


def best_place(runs: Sequence[Stretch], around: Sequence[Stretch], quantity: int, width: int) -> Place | None:
    """Return the best place for `quantity` adjacent seats in a row of `width` columns; None if there is none.

    It leaves the fewest single seats; then it leaves no two odd stretches where two even ones are possible, for pairs
    would leave a single seat in each; then it is nearest to the middle.

    Args: runs: stretches of free seats that may be taken.   around: of all free seats, which contain them.
    """
    middle = (width - 1) / 2
    best: tuple[int, int, float, int] | None = None
    for run, end in runs:
        if end - run < quantity:
            continue
        first, last = next(stretch for stretch in around if stretch[0] <= run and end <= stretch[1])
        for start in range(run, end - quantity + 1):
            left, right = start - first, last - start - quantity
            singles = (left == 1) + (right == 1)
            rank = (singles, left & right & 1, abs(start + (quantity - 1) / 2 - middle), start)
            if best is None or rank < best:
                best = rank
    return None if best is None else Place(best[0], best[3])


def are_apart(hall: Hall, seats: Sequence[str]) -> bool:
    """Return whether seats, which must be the hall's, are not all adjacent: another row or seat, or an aisle, is
    between them."""
    if len(seats) < 2:
        return False
    found = [hall.at(label) for label in seats]
    row = found[0][0]
    columns = sorted(column for _, column in found)
    if any(other is not row for other, _ in found) or columns[-1] - columns[0] != len(columns) - 1:
        return True
    return any(columns[0] < run <= columns[-1] for run in row.runs)
