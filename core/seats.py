"""Which seats of a show are free, and which of them are best together.

`FreeSeats` keeps, per row, which seats are taken, and what it has found out about the row since that last changed:
the length of the longest free stretch, how many seats are free, where a number of them fits best. So a request skips
a full row with one comparison. Front rows are better; within a row, the middle is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from core.halls import Hall
from core.row_places import Place, best_place

_FREE, _TAKEN = b"\0", b"\1"


class Pick(NamedTuple):
    """Which seats count: those of some categories (None: of all); accessible places, or none of them."""

    categories: frozenset[str] | None = None
    accessible: bool = False

    @classmethod
    def of(cls, category: str | None, *, accessible: bool = False) -> Pick:
        """Return the seats of one category; None: of all."""
        return cls(None if category is None else frozenset({category}), accessible)


ANY = Pick()


@dataclass(slots=True)
class _Found:
    """What is known of one row as its seats are now."""

    longest: dict[Pick, int] = field(default_factory=dict)
    counts: dict[Pick, int] = field(default_factory=dict)
    places: dict[tuple[int, Pick], Place | None] = field(default_factory=dict)


class FreeSeats:
    """The free seats of one show: all but `taken`. `mark_taken` and `mark_free` keep it in step with the owners."""

    def __init__(self, hall: Hall, taken: Iterable[str]) -> None:
        self._hall = hall
        #: One byte per column of each row.
        self._rows = [bytearray(row.width) for row in hall.rows]
        self._found: dict[int, _Found] = {}
        for label in taken:
            row, column = hall.at(label)
            self._rows[row.index][column] = _TAKEN[0]

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        return self._hall.capacity + 1_000 * len(self._rows)

    def mark_taken(self, label: str) -> None:
        """Note that a seat is no longer free."""
        self._set(label, _TAKEN)

    def mark_free(self, label: str) -> None:
        """Note that a seat is free (again)."""
        self._set(label, _FREE)

    def best(
        self, quantity: int, pick: Pick = ANY, *, together: bool = False, rules: int = 0
    ) -> tuple[str, ...] | None:
        """Return the best `quantity` free seats of `pick`, in plan order; None if there are too few.

        Adjacent, if any row allows it; else, unless they must be `together`, from the fewest neighbouring rows, close
        together. Which row, is a matter of the `rules` (core/operations.py Book): 0: the first one.   1: the first
        that allows it without leaving a single seat, if there is one.
        """
        adjacent = self._without_single(quantity, pick) if rules else self._in_first_row(quantity, pick)
        return adjacent if adjacent or together else self._nearest(quantity, pick)

    def count(self, pick: Pick = ANY) -> int:
        """Return how many seats of `pick` are free."""
        return sum(self._count(row, pick) for row in range(len(self._rows)))

    def _set(self, label: str, to: bytes) -> None:
        row, column = self._hall.at(label)
        self._rows[row.index][column] = to[0]
        self._found.pop(row.index, None)

    def _of(self, row: int) -> _Found:
        return self._found.get(row) or self._found.setdefault(row, _Found())

    def _runs(self, row: int, pick: Pick) -> Iterator[tuple[int, int]]:
        """Yield the unbroken stretches of free seats of one row: first column, and last column + 1."""
        columns = self._rows[row]
        for first, end in self._hall.rows[row].stretches(pick.categories, accessible=pick.accessible):
            start = columns.find(_FREE, first, end)
            while start >= 0:
                stop = columns.find(_TAKEN, start, end)
                yield start, stop if stop >= 0 else end
                start = columns.find(_FREE, stop, end) if stop >= 0 else -1

    def _longest_run(self, row: int, pick: Pick) -> int:
        longest = self._of(row).longest
        if pick not in longest:
            longest[pick] = max((end - start for start, end in self._runs(row, pick)), default=0)
        return longest[pick]

    def _count(self, row: int, pick: Pick) -> int:
        counts = self._of(row).counts
        if pick not in counts:
            counts[pick] = sum(end - start for start, end in self._runs(row, pick))
        return counts[pick]

    def _place(self, row: int, quantity: int, pick: Pick) -> Place | None:
        places = self._of(row).places
        key = (quantity, pick)
        if key not in places:
            runs = list(self._runs(row, pick))
            # A seat of another category may be a neighbour as well: it decides what is left single.
            around = runs if pick.categories is None else list(self._runs(row, Pick(None, pick.accessible)))
            places[key] = best_place(runs, around, quantity, self._hall.rows[row].width)
        return places[key]

    def _without_single(self, quantity: int, pick: Pick) -> tuple[str, ...] | None:
        """Return adjacent seats of the first row in which they leave the fewest single seats."""
        best: tuple[Place, int] | None = None
        for row in range(len(self._rows)):
            place = self._place(row, quantity, pick)
            if place is not None and (best is None or place.singles < best[0].singles):
                best = place, row
                if not place.singles:
                    break
        if best is None:
            return None
        place, row = best
        return tuple(self._hall.rows[row].seat_label(place.start + offset) for offset in range(quantity))

    def _in_first_row(self, quantity: int, pick: Pick) -> tuple[str, ...] | None:
        """Return adjacent seats of the first row that has them."""
        for row in range(len(self._rows)):
            if self._longest_run(row, pick) >= quantity:
                return self._adjacent(row, quantity, pick)
        return None

    def _adjacent(self, row: int, quantity: int, pick: Pick) -> tuple[str, ...]:
        """Return the best stretch of one row: it leaves the fewest single seats, then is nearest to the middle."""
        plan = self._hall.rows[row]
        middle = (plan.width - 1) / 2
        best: tuple[int, float, int] | None = None
        for first, end in self._runs(row, pick):
            for start in range(first, end - quantity + 1):
                singles = (start == first + 1) + (end - start - quantity == 1)
                rank = (singles, abs(start + (quantity - 1) / 2 - middle), start)
                if best is None or rank < best:
                    best = rank
        assert best is not None
        return tuple(plan.seat_label(best[2] + offset) for offset in range(quantity))

    def _nearest(self, quantity: int, pick: Pick) -> tuple[str, ...] | None:
        """Return the seats that span the fewest columns, from the fewest neighbouring rows that have enough."""
        counts = [self._count(row, pick) for row in range(len(self._rows))]
        window = _smallest_window(counts, quantity)
        if window is None:
            return None
        free = [
            (column, row)
            for row in range(window[0], window[1] + 1)
            for start, end in self._runs(row, pick)
            for column in range(start, end)
        ]
        free.sort()
        start = min(range(len(free) - quantity + 1), key=lambda first: free[first + quantity - 1][0] - free[first][0])
        chosen = sorted((row, column) for column, row in free[start : start + quantity])
        return tuple(self._hall.rows[row].seat_label(column) for row, column in chosen)


def _smallest_window(counts: list[int], quantity: int) -> tuple[int, int] | None:
    """Return the fewest adjacent rows (first, last) whose counts sum to `quantity`; the front ones of equals."""
    best: tuple[int, int] | None = None
    first = total = 0
    for last, count in enumerate(counts):
        total += count
        while total - counts[first] >= quantity and first < last:
            total -= counts[first]
            first += 1
        if total >= quantity and (best is None or last - first < best[1] - best[0]):
            best = (first, last)
    return best
