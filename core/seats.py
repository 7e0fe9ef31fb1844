"""Which seats of a show are free, and which of them are best together.

`FreeSeats` keeps, per row, which seats are free, how many, and how long the row's longest unbroken stretch is,
so that a request passes over a full row in one comparison. Front rows are better; within a row the middle is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.halls import Hall, Seat


class FreeSeats:
    """The free seats of one show. `take` and `release` keep it in step with the owners."""

    def __init__(self, hall: Hall, free: Iterable[str]) -> None:
        self._hall = hall
        self._rows: list[set[str]] = [set() for _ in hall.rows]
        for label in free:
            self._rows[hall.seats[label].row].add(label)
        self._longest: dict[tuple[int, str | None], int] = {}
        self._counts: dict[tuple[int, str | None], int] = {}

    def take(self, label: str) -> None:
        """The seat is no longer free."""
        self._change(label).discard(label)

    def release(self, label: str) -> None:
        """The seat is free (again)."""
        self._change(label).add(label)

    def best(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        """The best `quantity` free seats (of `category`, if given), in plan order; None if there are too few.

        Adjacent in one row if any row allows it, else from the fewest neighbouring rows, close together.
        """
        for row in range(len(self._rows)):
            if self._longest_run(row, category) >= quantity:
                return self._adjacent(row, quantity, category)
        return self._nearest(quantity, category)

    def _change(self, label: str) -> set[str]:
        seat = self._hall.seats[label]
        for known in (self._longest, self._counts):
            known.pop((seat.row, None), None)
            known.pop((seat.row, seat.category), None)
        return self._rows[seat.row]

    def _free_of(self, row: int, category: str | None) -> list[Seat]:
        free = self._rows[row]
        if not free:
            return []
        return [seat for seat in self._hall.rows[row] if seat.label in free and category in (None, seat.category)]

    def _runs(self, row: int, category: str | None) -> Iterator[list[Seat]]:
        """The unbroken stretches of free seats of one row: neighbours, no aisle between."""
        stretch: list[Seat] = []
        for seat in self._free_of(row, category):
            if stretch and (seat.place != stretch[-1].place + 1 or seat.run != stretch[-1].run):
                yield stretch
                stretch = []
            stretch.append(seat)
        if stretch:
            yield stretch

    def _longest_run(self, row: int, category: str | None) -> int:
        key = (row, category)
        if key not in self._longest:
            self._longest[key] = max((len(stretch) for stretch in self._runs(row, category)), default=0)
        return self._longest[key]

    def _count(self, row: int, category: str | None) -> int:
        key = (row, category)
        if key not in self._counts:
            self._counts[key] = len(self._free_of(row, category))
        return self._counts[key]

    def _adjacent(self, row: int, quantity: int, category: str | None) -> tuple[str, ...]:
        """The best stretch of one row: leaves the fewest single seats, then nearest to the middle."""
        middle = (len(self._hall.rows[row]) - 1) / 2
        best: tuple[tuple[int, float, int], list[Seat]] | None = None
        for stretch in self._runs(row, category):
            for start in range(len(stretch) - quantity + 1):
                singles = (start == 1) + (len(stretch) - start - quantity == 1)
                off_centre = abs(stretch[start].place + (quantity - 1) / 2 - middle)
                rank = (singles, off_centre, stretch[start].place)
                if best is None or rank < best[0]:
                    best = (rank, stretch[start : start + quantity])
        assert best is not None
        return tuple(seat.label for seat in best[1])

    def _nearest(self, quantity: int, category: str | None) -> tuple[str, ...] | None:
        """From the fewest neighbouring rows that have enough; there, the seats that span the fewest places."""
        counts = [self._count(row, category) for row in range(len(self._rows))]
        window = _smallest_window(counts, quantity)
        if window is None:
            return None
        free = [seat for row in range(window[0], window[1] + 1) for seat in self._free_of(row, category)]
        free.sort(key=lambda seat: (seat.place, seat.row))
        start = min(
            range(len(free) - quantity + 1),
            key=lambda first: free[first + quantity - 1].place - free[first].place,
        )
        near = sorted(free[start : start + quantity], key=lambda seat: (seat.row, seat.place))
        return tuple(seat.label for seat in near)


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
