"""A hall's plan: rows, seats, categories, and which seats are neighbours.

A plan never changes once a show uses it (a rebuilt hall is a new row in the database), so a `Hall` may be
kept by any process for as long as it likes. Rows and seats stand in the order in which best-available
prefers rows: front first.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.errors import OnsaleError

#: Letters only, so that row label + number is read in one way: "A11" is row A, seat 11.
ROW_LABEL = re.compile(r"[A-Z]{1,3}")
CATEGORY = re.compile(r"[a-z][a-z0-9_-]{0,29}")
MAX_SEATS = 200_000
MAX_NUMBER = 9_999
MAX_DIGITS = len(str(MAX_NUMBER))
#: What a row takes, and each of its blocks and runs, in bytes, about.
ROW_BYTES, PART_BYTES = 300, 60


class BadPlan(OnsaleError):
    """The hall's plan is not valid."""

    code = "bad_plan"


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a plan. `run` numbers the unbroken stretches of its row: an aisle starts a new one; `number` is
    its own place in the whole plan, from 0."""

    label: str
    category: str
    row: int
    place: int
    run: int
    number: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it is made of. Its seats are made when they are asked for.

    index: its place in the plan.   number: its first seat's.   width: how many seats it has.
    firsts, places, categories: of each block the number of its first seat, that seat's place, and the category.
    runs: the places at which an unbroken stretch begins, 0 among them.
    """

    index: int
    label: str
    number: int
    width: int
    firsts: tuple[int, ...]
    places: tuple[int, ...]
    categories: tuple[str, ...]
    runs: tuple[int, ...]

    def seat(self, place: int) -> Seat:
        """The seat at a place, counted from 0 from the left."""
        run = bisect_right(self.runs, place) - 1
        return Seat(self.seat_label(place), self.category(place), self.index, place, run, self.number + place)

    def seat_label(self, place: int) -> str:
        """The label of a seat."""
        block = bisect_right(self.places, place) - 1
        return f"{self.label}{self.firsts[block] + place - self.places[block]}"

    def category(self, place: int) -> str:
        """The category of a seat."""
        return self.categories[bisect_right(self.places, place) - 1]

    def place(self, number: int) -> int | None:
        """The place of the seat that has this number on its row; None if there is none."""
        return _place(self.firsts, self.places, self.width, number)

    def blocks(self) -> Iterator[tuple[str, range]]:
        """The row's blocks from left to right: the category, and the numbers of the seats."""
        ends = (*self.places[1:], self.width)
        for category, first, start, stop in zip(self.categories, self.firsts, self.places, ends, strict=True):
            yield category, range(first, first + stop - start)

    def stretches(self, category: str | None) -> Iterator[tuple[int, int]]:
        """Where neighbours sit (of one category, if given): each stretch's first place, and the one behind its last.

        An aisle parts neighbours; so does a seat of another category.
        """
        runs = set(self.runs)
        cuts = sorted(runs.union(self.places))
        first = end = 0
        for start, stop in zip(cuts, [*cuts[1:], self.width], strict=True):
            if category is not None and self.category(start) != category:
                continue
            if start != end or start in runs:
                if end > first:
                    yield first, end
                first = start
            end = stop
        if end > first:
            yield first, end


def _place(firsts: Sequence[int], places: Sequence[int], width: int, number: int) -> int | None:
    block = bisect_right(firsts, number) - 1
    if block < 0:
        return None
    place = places[block] + number - firsts[block]
    return place if place < (places[block + 1] if block + 1 < len(places) else width) else None


class Seats(Mapping[str, Seat]):
    """Every seat of a hall by its label, in plan order, each made when it is asked for."""

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
        row, place = self._hall.at(label)
        return row.seat(place)


@dataclass(frozen=True)
class Hall:
    """A plan, ready for use: its rows and what they are made of, and no object per seat.

    A stadium of 200,000 seats is read in a millisecond and takes 100 kB: every process reads it when it first meets
    one of its shows, while buyers wait.
    """

    id: int
    rows: tuple[Row, ...] = field(repr=False)

    @cached_property
    def seats(self) -> Seats:
        """Every seat by its label, in plan order."""
        return Seats(self)

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories that occur in the plan."""
        return frozenset(category for row in self.rows for category in row.categories)

    @cached_property
    def capacity(self) -> int:
        """How many seats the plan has."""
        return sum(row.width for row in self.rows)

    @property
    def size(self) -> int:
        """How much memory it takes, about, in bytes."""
        return sum(ROW_BYTES + PART_BYTES * (len(row.firsts) + len(row.runs)) for row in self.rows)

    def find(self, label: str) -> tuple[Row, int] | None:
        """The row and the place of a seat; None if there is no such seat."""
        row = self._by_label.get(label.rstrip("0123456789"))
        if row is None:
            return None
        digits = label[len(row.label) :]
        if not 0 < len(digits) <= MAX_DIGITS or digits[0] == "0":
            return None
        place = row.place(int(digits))
        return None if place is None else (row, place)

    def at(self, label: str) -> tuple[Row, int]:
        """The row and the place of a seat that must be there. Raises: KeyError: it is not."""
        found = self.find(label)
        if found is None:
            raise KeyError(label)
        return found

    def number(self, label: str) -> int:
        """A seat's place in the whole plan, from 0. Raises: KeyError: there is no such seat."""
        row, place = self.at(label)
        return row.number + place

    def category(self, label: str) -> str:
        """A seat's category. Raises: KeyError: there is no such seat."""
        row, place = self.at(label)
        return row.category(place)

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
                raise BadPlan(f"Row {label} stands in the plan twice.")
            labels.add(label)
            read.append(_row(index, label, row, total))
            total += read[-1].width
            if total > MAX_SEATS:
                raise BadPlan(f"A hall has at most {MAX_SEATS} seats.")
        return cls(hall_id, tuple(read))


def _row(index: int, label: str, row: Mapping[str, Any], number: int) -> Row:
    """One row, checked. Numbers that skip, and an aisle after a seat, break it into runs."""
    aisles = row.get("aisles", [])
    if not isinstance(aisles, list) or not all(type(aisle) is int for aisle in aisles):
        raise BadPlan(f"Row {label}: aisles are the numbers of the seats that they follow.")
    firsts, places, categories, runs = [], [], [], {0}
    width = before = 0
    for first, last, category in _blocks(label, row):
        if first != before + 1:
            runs.add(width)
        firsts.append(first)
        places.append(width)
        categories.append(sys.intern(category))
        width, before = width + last - first + 1, last
    behind = (_place(firsts, places, width, aisle) for aisle in aisles)
    runs.update(place + 1 for place in behind if place is not None and place + 1 < width)
    return Row(index, label, number, width, tuple(firsts), tuple(places), tuple(categories), tuple(sorted(runs)))


def _blocks(label: str, row: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """The row's blocks as (first, last, category), checked: numbers grow from left to right."""
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
