"""Which seats of a show are free, and which of them are best together.

`FreeSeats` keeps, per row, which seats are taken, how many are free, and how long the row's longest unbroken stretch
is, so that a request passes over a full row in one comparison. Front rows are better; within a row the middle is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.halls import Hall

_FREE, _TAKEN = b"\0", b"\1"


class FreeSeats:
    """The free seats of one show: all but `taken`. `take` and `release` keep it in step with the owners."""

    def __init__(self, hall: Hall, taken: Iterable[str]) -> None:
        self._hall = hall
        #: One byte per place of a row.
        self._rows = [bytearray(row.width) for row in hall.rows]
        self._longest: dict[tuple[int, str | None], int] = {}
        self._counts: dict[tuple[int, str | None], int] = {}
        for label in taken:
            row, place = hall.at(label)
            self._rows[row.index][place] = _TAKEN[0]

    @property
    def size(self) -> int:
        """How much memory it takes, about, in bytes."""
        return self._hall.capacity + 100 * len(self._rows)

    def take(self, label: str) -> None:
        """The seat is no longer free."""
        self._set(label, _TAKEN)

    def release(self, label: str) -> None:
        """The seat is free (again)."""
        self._set(label, _FREE)

    def best(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        """The best `quantity` free seats (of `category`, if given), in plan order; None if there are too few.

        Adjacent in one row if any row allows it, else from the fewest neighbouring rows, close together.
        """
        for row in range(len(self._rows)):
            if self._longest_run(row, category) >= quantity:
                return self._adjacent(row, quantity, category)
        return self._nearest(quantity, category)

    def _set(self, label: str, to: bytes) -> None:
        row, place = self._hall.at(label)
        self._rows[row.index][place] = to[0]
        for known in (self._longest, self._counts):
            known.pop((row.index, None), None)
            known.pop((row.index, row.category(place)), None)

    def _runs(self, row: int, category: str | None) -> Iterator[tuple[int, int]]:
        """The unbroken stretches of free seats of one row: the first place, and the one behind the last."""
        places = self._rows[row]
        for first, end in self._hall.rows[row].stretches(category):
            start = places.find(_FREE, first, end)
            while start >= 0:
                stop = places.find(_TAKEN, start, end)
                yield start, stop if stop >= 0 else end
                start = places.find(_FREE, stop, end) if stop >= 0 else -1

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
        """The best stretch of one row: leaves the fewest single seats, then nearest to the middle."""
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
        """From the fewest neighbouring rows that have enough; there, the seats that span the fewest places."""
        counts = [self._count(row, category) for row in range(len(self._rows))]
        window = _smallest_window(counts, quantity)
        if window is None:
            return None
        free = [
            (place, row)
            for row in range(window[0], window[1] + 1)
            for start, end in self._runs(row, category)
            for place in range(start, end)
        ]
        free.sort()
        start = min(range(len(free) - quantity + 1), key=lambda first: free[first + quantity - 1][0] - free[first][0])
        near = sorted((row, place) for place, row in free[start : start + quantity])
        return tuple(self._hall.rows[row].seat_label(place) for row, place in near)


def _smallest_window(counts: list[int], quantity: int) -> tuple[int, int] | None:
    """The shortest stretch of rows (first, last) whose counts sum to `quantity`; the front one of equals."""
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
