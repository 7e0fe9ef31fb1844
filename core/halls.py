"""A hall's plan: rows, seats, categories, and which seats are neighbours.

A plan never changes once a show uses it (a rebuilt hall is a new row in the database), so a `Hall` may be
kept by any process for as long as it likes. Rows and seats stand in the order in which best-available
prefers rows: front first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.errors import OnsaleError

#: Letters only, so that row label + number is read in one way: "A11" is row A, seat 11.
ROW_LABEL = re.compile(r"[A-Z]{1,3}")
CATEGORY = re.compile(r"[a-z][a-z0-9_-]{0,29}")
MAX_SEATS = 200_000
MAX_NUMBER = 9_999


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


@dataclass(frozen=True)
class Hall:
    """A plan, ready for use. `rows[i]` holds the seats of row i from left to right."""

    id: int
    rows: tuple[tuple[Seat, ...], ...] = field(repr=False)

    @cached_property
    def seats(self) -> dict[str, Seat]:
        """Every seat by its label, in plan order."""
        return {seat.label: seat for row in self.rows for seat in row}

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories that occur in the plan."""
        return frozenset(seat.category for seat in self.seats.values())

    @property
    def capacity(self) -> int:
        """How many seats the plan has."""
        return len(self.seats)

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
            first, total = total, total + _count(label, row)
            if total > MAX_SEATS:
                raise BadPlan(f"A hall has at most {MAX_SEATS} seats.")
            read.append(tuple(_seats_of(index, label, row, first)))
        return cls(hall_id, tuple(read))


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


def _count(label: str, row: Mapping[str, Any]) -> int:
    return sum(last - first + 1 for first, last, _ in _blocks(label, row))


def _seats_of(index: int, label: str, row: Mapping[str, Any], first_number: int) -> Iterator[Seat]:
    """The seats of one row. Numbers that skip, and an aisle after a seat, break the row into runs."""
    aisles = row.get("aisles", [])
    if not isinstance(aisles, list) or not all(type(number) is int for number in aisles):
        raise BadPlan(f"Row {label}: aisles are the numbers of the seats that they follow.")
    run, place, previous = 0, 0, 0
    for first, last, category in _blocks(label, row):
        for number in range(first, last + 1):
            if place and (number != previous + 1 or previous in aisles):
                run += 1
            yield Seat(f"{label}{number}", category, index, place, run, first_number + place)
            place, previous = place + 1, number
