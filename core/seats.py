"""Which seats of a show are free, and which of them are best together.

`FreeSeats` keeps, per row, which seats are taken, how many are free, and the length of the longest free stretch, so a
request skips a full row with one comparison. Front rows are better; within a row, the middle is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.halls import Hall

_FREE, _TAKEN = b"\0", b"\1"


class FreeSeats:
    """The free seats of one show: all but `taken`. `mark_taken` and `mark_free` keep it in step with the owners."""

    def __init__(self, hall: Hall, taken: Iterable[str]) -> None:
        self._hall = hall
        #: One byte per column of each row.
        self._rows = [bytearray(row.width) for row in hall.rows]
        self._longest: dict[tuple[int, str | None], int] = {}
        self._counts: dict[tuple[int, str | None], int] = {}
        for label in taken:
            row, column = hall.at(label)
            self._rows[row.index][column] = _TAKEN[0]

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        return self._hall.capacity + 100 * len(self._rows)

    def mark_taken(self, label: str) -> None:
        """Note that a seat is no longer free."""
        self._set(label, _TAKEN)

    def mark_free(self, label: str) -> None:
        """Note that a seat is free (again)."""
        self._set(label, _FREE)

    def best(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        """Return the best `quantity` free seats (of `category`, if given), in plan order; None if there are too few.

        Adjacent in the first row that allows it, else from the fewest neighbouring rows, close together.
        """
        for row in range(len(self._rows)):
            if self._longest_run(row, category) >= quantity:
                return self._adjacent(row, quantity, category)
        return self._nearest(quantity, category)

    def _set(self, label: str, to: bytes) -> None:
        row, column = self._hall.at(label)
        self._rows[row.index][column] = to[0]
        for cached in (self._longest, self._counts):
            cached.pop((row.index, None), None)
            cached.pop((row.index, row.category(column)), None)

    def _runs(self, row: int, category: str | None) -> Iterator[tuple[int, int]]:
        """Yield the unbroken stretches of free seats of one row: first column, and last column + 1."""
        columns = self._rows[row]
        for first, end in self._hall.rows[row].stretches(None if category is None else {category}):
            start = columns.find(_FREE, first, end)
            while start >= 0:
                stop = columns.find(_TAKEN, start, end)
                yield start, stop if stop >= 0 else end
                start = columns.find(_FREE, stop, end) if stop >= 0 else -1

    def _longest_run(self, row: int, category: str | None) -> int:
        key = (row, category)
        if key not in self._longest:
            self._longest[key] = max((end - start for start, end in self._runs(row, category)), default=0)
        return self._longest[key]

    def _count(self, row: int, category: str | None) -> int:
        key = (row, category)
        if key not in self._counts:
            self._counts[key] = sum(end - start for start, end in self._runs(row, category))
        return self._counts[key]

    def _adjacent(self, row: int, quantity: int, category: str | None) -> tuple[str, ...]:
        """Return the best stretch of one row: it leaves the fewest single seats, then is nearest to the middle."""
        plan = self._hall.rows[row]
        middle = (plan.width - 1) / 2
        best: tuple[int, float, int] | None = None
        for first, end in self._runs(row, category):
            for start in range(first, end - quantity + 1):
                singles = (start == first + 1) + (end - start - quantity == 1)
                rank = (singles, abs(start + (quantity - 1) / 2 - middle), start)
                if best is None or rank < best:
                    best = rank
        assert best is not None
        return tuple(plan.seat_label(best[2] + offset) for offset in range(quantity))

    def _nearest(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        """Return the seats that span the fewest columns, from the fewest neighbouring rows that have enough."""
        counts = [self._count(row, category) for row in range(len(self._rows))]
        window = _smallest_window(counts, quantity)
        if window is None:
            return None
        free = [
            (column, row)
            for row in range(window[0], window[1] + 1)
            for start, end in self._runs(row, category)
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
