"""Plans as they are stored: format 1 is read here, format 2 in core/plans_by_place.py. docs/halls.md has both.

Format 1: the numbers of a row grow from left to right, and a skipped number separates neighbours.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import OnsaleError
from core.rows import Row, column_of
from core.seat_labels import CATEGORY, LETTERS, MAX_NUMBER

MAX_SEATS = 200_000
#: A place in a file.
IN_FILE = re.compile(r'line ([0-9]+)(?:, column "([a-z]+)")?')


class BadPlan(OnsaleError):
    """The hall's plan is not valid."""

    code = "bad_plan"

    def __init__(self, message: str | None = None, place: str = "") -> None:
        """Args: place: where the fault is: a JSON pointer into the plan, or the line and column of a file."""
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message or str(self)
        self.place = place

    def below(self, pointer: str) -> BadPlan:
        """Return the same fault, for a document that has the plan at this JSON pointer."""
        return BadPlan(self.message, pointer + self.place) if self.place.startswith("/") else self

    @property
    def errors(self) -> list[dict[str, Any]]:
        """The fault as a problem names it: by a JSON pointer, or by the line (and column) of a file; if it can."""
        if self.place.startswith("/"):
            return [{"pointer": self.place, "detail": self.message}]
        in_file = IN_FILE.match(self.place)
        if in_file is None:
            return []
        column = {"column": in_file[2]} if in_file[2] else {}
        return [{"line": int(in_file[1]), **column, "detail": self.message}]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a hall, such as the stalls or the balcony: its key in the labels of seats, and its name."""

    key: str
    name: str


def read_rows(plan: Mapping[str, Any]) -> list[Row]:
    """Read the rows of a plan of format 1. Raises BadPlan that names the row at fault."""
    rows = plan.get("rows")
    if not isinstance(rows, list) or not rows:
        raise BadPlan("A plan needs at least one row.")
    labels: set[str] = set()
    total = 0
    read = []
    for index, row in enumerate(rows):
        label = row.get("label") if isinstance(row, dict) else None
        if not isinstance(label, str) or not LETTERS.fullmatch(label):
            raise BadPlan(f"Row {index + 1}: its label must be one to three capital letters.")
        if label in labels:
            raise BadPlan(f"Row {label} is in the plan twice.")
        labels.add(label)
        read.append(_row(index, label, row, total))
        total += read[-1].width
        if total > MAX_SEATS:
            raise BadPlan(f"A hall has at most {MAX_SEATS} seats.")
    return read


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
    before_aisles = (column_of(firsts, columns, width, aisle) for aisle in aisles)
    runs.update(column + 1 for column in before_aisles if column is not None and column + 1 < width)
    parts = tuple(firsts), tuple(columns), tuple(categories), tuple(sorted(runs))
    return Row(index, label, first_index, width, *parts, prefix=label)


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
