"""One row of a hall: its seats as blocks, with no object per seat, and which of them are neighbours.

A seat has a *name* on its row, mostly a number, which is the end of its label; a *column*, counted from 0 from the
left of its row without gaps; and an *index* in the whole plan, counted from 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

from core.seat_labels import MAX_DIGITS

#: Approximate memory of a row, of each of its blocks and runs, and of each seat that has a name, in bytes.
ROW_BYTES, PART_BYTES, NAME_BYTES = 300, 60, 150


class SeatKind(StrEnum):
    """Whom a place is for. The last two are *accessible* places: best-available gives them only when asked for."""

    SEAT = "seat"
    WHEELCHAIR = "wheelchair"
    COMPANION = "companion"


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a plan. `run` numbers the unbroken stretches of its row (an aisle starts a new one); `index` counts
    all seats of the plan from 0."""

    label: str
    category: str
    row: int
    column: int
    run: int
    index: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as blocks of seats whose numbers have equal steps. `Seat`s are created on request.

    index: counts the plan's rows from 0.   first_index: its first seat's index in the plan.   width: number of seats.
    firsts, columns, categories: per block the number of its first seat, that seat's column, and the category.
    runs: the columns at which an unbroken stretch begins, 0 included.
    prefix: what the labels of its seats begin with.   section: the key of its section, "" for none.
    steps: per block the next number minus this one; empty: numbers grow from left to right, by one in each block.
    kinds: per block; empty: ordinary seats.   names: per block, empty for a block of numbers; empty: all are numbers.
    by_name: the column of each name, for rows in which a search would take long; None: it is searched.
    """

    index: int
    label: str
    first_index: int
    width: int
    firsts: tuple[int, ...]
    columns: tuple[int, ...]
    categories: tuple[str, ...]
    runs: tuple[int, ...]
    prefix: str
    section: str = ""
    steps: tuple[int, ...] = ()
    kinds: tuple[SeatKind, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    by_name: Mapping[str, int] | None = field(default=None, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        names = NAME_BYTES * len(self.by_name) if self.by_name is not None else 0
        return ROW_BYTES + PART_BYTES * (len(self.firsts) + len(self.runs)) + names

    def seat(self, column: int) -> Seat:
        """Return the seat in a column."""
        run = bisect_right(self.runs, column) - 1
        label, category = self.seat_label(column), self.category(column)
        return Seat(label, category, self.index, column, run, self.first_index + column)

    def seat_label(self, column: int) -> str:
        """Return the label of the seat in a column."""
        block = bisect_right(self.columns, column) - 1
        place = column - self.columns[block]
        if self.names and self.names[block]:
            return self.prefix + self.names[block][place]
        return f"{self.prefix}{self.firsts[block] + place * (self.steps[block] if self.steps else 1)}"

    def category(self, column: int) -> str:
        """Return the category of the seat in a column."""
        return self.categories[bisect_right(self.columns, column) - 1]

    def kind(self, column: int) -> SeatKind:
        """Return whom the place in a column is for."""
        return self.kinds[bisect_right(self.columns, column) - 1] if self.kinds else SeatKind.SEAT

    def column(self, digits: str) -> int | None:
        """Return the column of the seat with this number; None if there is no such seat."""
        if self.by_name is not None:
            return self.by_name.get(digits)
        if not 0 < len(digits) <= MAX_DIGITS or digits[0] == "0":
            return None
        number = int(digits)
        if not self.steps:
            return column_of(self.firsts, self.columns, self.width, number)
        ends = (*self.columns[1:], self.width)
        for first, step, start, stop in zip(self.firsts, self.steps, self.columns, ends, strict=True):
            place, rest = divmod(number - first, step)
            if not rest and 0 <= place < stop - start:
                return start + place
        return None

    def blocks(self) -> Iterator[tuple[str, Sequence[int | str]]]:
        """Yield the row's blocks from left to right: the category, and the seats' numbers or names.

        `prefix` and one of these are a seat's label.
        """
        ends = (*self.columns[1:], self.width)
        for block, (category, start, stop) in enumerate(zip(self.categories, self.columns, ends, strict=True)):
            if self.names and self.names[block]:
                yield category, self.names[block]
            else:
                first, step = self.firsts[block], self.steps[block] if self.steps else 1
                yield category, range(first, first + (stop - start) * step, step)

    def stretches(self, categories: Set[str] | None, *, accessible: bool = False) -> Iterator[tuple[int, int]]:
        """Yield the stretches of neighbouring seats: first column, and last column + 1.

        Aisles, and seats that are not asked for, separate neighbours.

        Args: categories: only seats of these; None: of all.
              accessible: only places for wheelchairs and companions; else only ordinary seats.
        """
        if accessible and not self.kinds:
            return
        runs = set(self.runs)
        cuts = sorted(runs.union(self.columns))
        first = end = 0
        for start, stop in zip(cuts, [*cuts[1:], self.width], strict=True):
            if categories is not None and self.category(start) not in categories:
                continue
            if self.kinds and (self.kind(start) is not SeatKind.SEAT) != accessible:
                continue
            if start != end or start in runs:
                if end > first:
                    yield first, end
                first = start
            end = stop
        if end > first:
            yield first, end


def column_of(firsts: Sequence[int], columns: Sequence[int], width: int, number: int) -> int | None:
    """Return the column of a number in a row whose numbers grow from left to right; None if it has no such seat."""
    block = bisect_right(firsts, number) - 1
    if block < 0:
        return None
    column = columns[block] + number - firsts[block]
    end = columns[block + 1] if block + 1 < len(columns) else width
    return column if column < end else None
