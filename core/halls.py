"""Halls: a plan, ready for use. Its seats by label and by index, and its rows (core/rows.py).

A plan never changes once a show uses it (a rebuilt hall is a new row in the database), so a process may cache a
`Hall` for ever. Rows are in the order in which best-available prefers them: front first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core import drawings, plans, plans_by_place
from core.plans import BadPlan, Section
from core.rows import Row, Seat


class Seats(Mapping[str, Seat]):
    """Every seat of a hall by its label, in plan order, each created on access."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def __len__(self) -> int:
        return self._hall.capacity

    def __iter__(self) -> Iterator[str]:
        for row in self._hall.rows:
            for _, numbers in row.blocks():
                yield from (f"{row.prefix}{number}" for number in numbers)

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
    sections: tuple[Section, ...] = field(default=(), repr=False)

    @cached_property
    def seats(self) -> Seats:
        """All seats by label, in plan order."""
        return Seats(self)

    @cached_property
    def categories(self) -> frozenset[str]:
        """The categories that occur in the plan."""
        return frozenset(category for row in self.rows for category in row.categories)

    @cached_property
    def accessible(self) -> bool:
        """Whether it has places for wheelchairs or companions."""
        return any(row.kinds for row in self.rows)

    @cached_property
    def capacity(self) -> int:
        """The number of seats."""
        return sum(row.width for row in self.rows)

    @property
    def size(self) -> int:
        """Its approximate memory, in bytes."""
        return sum(row.size for row in self.rows)

    def find(self, label: str) -> tuple[Row, int] | None:
        """Return the row and the column of a seat; None if there is no such seat."""
        prefix = label.rstrip("0123456789")
        row = self._by_prefix.get(prefix)
        if row is None:
            return self._find_named(label)
        column = row.column(label[len(prefix) :])
        return None if column is None else (row, column)

    def _find_named(self, label: str) -> tuple[Row, int] | None:
        """Return the row and the column of a seat whose name has a letter."""
        start = label.rfind("-") + 1
        row = self._by_prefix.get(label[:start])
        column = row.by_name.get(label[start:]) if row is not None and row.by_name is not None else None
        return None if row is None or column is None else (row, column)

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
    def _by_prefix(self) -> dict[str, Row]:
        return {row.prefix: row for row in self.rows}

    @classmethod
    def from_plan(cls, hall_id: int, plan: Mapping[str, Any]) -> Hall:
        """Read a plan as stored (schema.sql, table halls). Raises BadPlan that names the place of the fault."""
        form = plan.get("format", 1)
        if type(form) is not int or form not in (1, 2):
            raise BadPlan("A plan's format is 1 or 2.", "/format")
        if form == 1:
            return cls(hall_id, tuple(plans.read_rows(plan)))
        sections, rows = plans_by_place.read(plan)
        return cls(hall_id, tuple(rows), sections)


def check_plan(plan: Mapping[str, Any]) -> Hall:
    """Check a plan that is to be stored, its drawing included, and return its hall with the id 0.

    Raises: BadPlan that names the place of the fault.
    """
    hall = Hall.from_plan(0, plan)
    if "drawing" in plan:
        drawings.check(plan["drawing"], [row.width for row in hall.rows])
    return hall
