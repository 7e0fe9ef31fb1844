"""A hall's plan: rows, seats, categories, and which seats are neighbours.

A plan never changes once a show uses it (a rebuilt hall is a new row in the database), so a process may cache a
`Hall` for ever. Rows are in the order in which best-available prefers them: front first.

A seat has a *number* on its row, which is part of its label and may skip (A1, A2, A4); a *column*, counted from 0
from the left of its row without gaps; and an *index* in the whole plan, counted from 0.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.errors import OnsaleError

#: Letters only, so that row label + number is unambiguous: "A11" is row A, seat 11.
ROW_LABEL = re.compile(r"[A-Z]{1,3}")
CATEGORY = re.compile(r"[a-z][a-z0-9_-]{0,29}")
MAX_SEATS = 200_000
MAX_NUMBER = 9_999
MAX_DIGITS = len(str(MAX_NUMBER))
#: Approximate memory of a row, and of each of its blocks and runs, in bytes.
ROW_BYTES, PART_BYTES = 300, 60


class BadPlan(OnsaleError):
    """The hall's plan is not valid."""

    code = "bad_plan"


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
    """One row, as blocks of consecutive numbers. `Seat`s are created on request.

    index: counts the plan's rows from 0.   first_index: its first seat's index in the plan.   width: number of seats.
    firsts, columns, categories: per block the number of its first seat, that seat's column, and the category.
    runs: the columns at which an unbroken stretch begins, 0 included.
    """

    index: int
    label: str
    first_index: int
    width: int
    firsts: tuple[int, ...]
    columns: tuple[int, ...]
    categories: tuple[str, ...]
    runs: tuple[int, ...]

    def seat(self, column: int) -> Seat:
        """Return the seat in a column."""
        run = bisect_right(self.runs, column) - 1
        label, category = self.seat_label(column), self.category(column)
        return Seat(label, category, self.index, column, run, self.first_index + column)

    def seat_label(self, column: int) -> str:
        """Return the label of the seat in a column."""
        block = bisect_right(self.columns, column) - 1
        return f"{self.label}{self.firsts[block] + column - self.columns[block]}"

    def category(self, column: int) -> str:
        """Return the category of the seat in a column."""
        return self.categories[bisect_right(self.columns, column) - 1]

    def column(self, number: int) -> int | None:
        """Return the column of the seat with this number; None if there is no such seat."""
        return _column(self.firsts, self.columns, self.width, number)

    def blocks(self) -> Iterator[tuple[str, range]]:
        """Yield the row's blocks from left to right: the category, and the numbers of the seats."""
        ends = (*self.columns[1:], self.width)
        for category, first, start, stop in zip(self.categories, self.firsts, self.columns, ends, strict=True):
            yield category, range(first, first + stop - start)

    def stretches(self, categories: Set[str] | None, *, accessible: bool = False) -> Iterator[tuple[int, int]]:
        """Yield the stretches of neighbouring seats, of these categories if given: first column, and last column + 1.

        `accessible`: no plan says yet which seats are, so it changes nothing.
        Aisles and seats of other categories separate neighbours.
        """
        runs = set(self.runs)
        cuts = sorted(runs.union(self.columns))
        first = end = 0
        for start, stop in zip(cuts, [*cuts[1:], self.width], strict=True):
            if categories is not None and self.category(start) not in categories:
                continue
            if start != end or start in runs:
                if end > first:
                    yield first, end
                first = start
            end = stop
        if end > first:
            yield first, end


def _column(firsts: Sequence[int], columns: Sequence[int], width: int, number: int) -> int | None:
    block = bisect_right(firsts, number) - 1
    if block < 0:
        return None
    column = columns[block] + number - firsts[block]
    end = columns[block + 1] if block + 1 < len(columns) else width
    return column if column < end else None


class Seats(Mapping[str, Seat]):
    """Every seat of a hall by its label, in plan order, each created on access."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def __len__(self) -> int:
        return self._hall.capacity

    def __iter__(self) -> Iterator[str]:
        for row in self._hall.rows:
            for _, numbers in row.blocks():
                yield from (f"{row.label}{number}" for number in numbers)

    def __contains__(self, label: object) -> bool:
        return isinstance(label, str) and self._hall.find(label) is not None

    def __getitem__(self, label: str) -> Seat:
        row, column = self._hall.at(label)
        return row.seat(column)


@dataclass(frozen=True)
class Hall:
    """A plan, ready for use: its rows as blocks, with no object per seat.

    A process reads the plan when it first handles a show of the hall, while buyers wait: a stadium of 200,000 seats
    takes a few milliseconds and 100 kB.
    """

    id: int
    rows: tuple[Row, ...] = field(repr=False)

    @cached_property
    def seats(self) -> Seats:
        """All seats by label, in plan order."""
        return Seats(self)

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories that occur in the plan."""
        return frozenset(category for row in self.rows for category in row.categories)

    @cached_property
    def capacity(self) -> int:
        """The number of seats."""
        return sum(row.width for row in self.rows)

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        return sum(ROW_BYTES + PART_BYTES * (len(row.firsts) + len(row.runs)) for row in self.rows)

    def find(self, label: str) -> tuple[Row, int] | None:
        """Return the row and the column of a seat; None if there is no such seat."""
        row = self._by_label.get(label.rstrip("0123456789"))
        if row is None:
            return None
        digits = label[len(row.label) :]
        if not 0 < len(digits) <= MAX_DIGITS or digits[0] == "0":
            return None
        column = row.column(int(digits))
        return None if column is None else (row, column)

    def at(self, label: str) -> tuple[Row, int]:
        """Return the row and the column of a seat. Raises: KeyError: there is no such seat."""
        found = self.find(label)
        if found is None:
            raise KeyError(label)
        return found

    def seat_index(self, label: str) -> int:
        """Return a seat's index in the whole plan, from 0. Raises: KeyError: there is no such seat."""
        row, column = self.at(label)
        return row.first_index + column

    def category(self, label: str) -> str:
        """Return a seat's category. Raises: KeyError: there is no such seat."""
        row, column = self.at(label)
        return row.category(column)

    @cached_property
    def _by_label(self) -> dict[str, Row]:
        return {row.label: row for row in self.rows}

    @classmethod
    def from_plan(cls, hall_id: int, plan: Mapping[str, Any]) -> Hall:
        """Read a plan as stored (schema.sql, table halls). Raises BadPlan that names the row at fault."""
        rows = plan.get("rows")
        if not isinstance(rows, list) or not rows:
            raise BadPlan("A plan needs at least one row.")
        labels: set[str] = set()
        total = 0
        read = []
        for index, row in enumerate(rows):
            label = row.get("label") if isinstance(row, dict) else None
            if not isinstance(label, str) or not ROW_LABEL.fullmatch(label):
                raise BadPlan(f"Row {index + 1}: its label must be one to three capital letters.")
            if label in labels:
                raise BadPlan(f"Row {label} is in the plan twice.")
            labels.add(label)
            read.append(_row(index, label, row, total))
            total += read[-1].width
            if total > MAX_SEATS:
                raise BadPlan(f"A hall has at most {MAX_SEATS} seats.")
        return cls(hall_id, tuple(read))


def _row(index: int, label: str, row: Mapping[str, Any], first_index: int) -> Row:
    """Check and build one row. Skipped numbers, and an aisle after a seat, break it into runs."""
    aisles = row.get("aisles", [])
    if not isinstance(aisles, list) or not all(type(aisle) is int for aisle in aisles):
        raise BadPlan(f"Row {label}: aisles are the numbers of the seats that they follow.")
    firsts, columns, categories, runs = [], [], [], {0}
    width = before = 0
    for first, last, category in _blocks(label, row):
        if first != before + 1:
            runs.add(width)
        firsts.append(first)
        columns.append(width)
        categories.append(sys.intern(category))
        width, before = width + last - first + 1, last
    before_aisles = (_column(firsts, columns, width, aisle) for aisle in aisles)
    runs.update(column + 1 for column in before_aisles if column is not None and column + 1 < width)
    return Row(
        index, label, first_index, width, tuple(firsts), tuple(columns), tuple(categories), tuple(sorted(runs))
    )


def _blocks(label: str, row: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Check the row's blocks and return them as (first, last, category). Numbers must grow from left to right."""
    blocks = row.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        raise BadPlan(f"Row {label} has no blocks of seats.")
    read = []
    before = 0
    for block in blocks:
        first, last, category = (block.get(name) for name in ("first", "last", "category"))
        if not (type(first) is int and type(last) is int and before < first <= last <= MAX_NUMBER):
            raise BadPlan(f"Row {label}: seat numbers must grow from left to right, 1 to {MAX_NUMBER}.")
        if not isinstance(category, str) or not CATEGORY.fullmatch(category):
            raise BadPlan(f"Row {label}: a category is a short lower-case word.")
        read.append((first, last, category))
        before = last
    return read
