"""Halls as CSV: a line per seat, in the order of the seats.

    section,row,number,category,kind,x,y
    Stalls,A,1,Premium,,100,80

`section`, `kind`, `x` and `y` may be left out. A line of kind "aisle" is an aisle between the seats before and after
it. Rows and sections are in the order of their first lines: front first, and each row from left to right. Where seats
have places (x, y) and their row has no such line, the places give the order and the aisles.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from core import imported_names
from core.drawings import Point
from core.imported_halls import GivenRow, GivenSeat, ImportedHall, build, scaled
from core.imported_names import MAX_CATEGORIES, Keys, shown
from core.plans import MAX_SEATS, BadPlan, Section
from core.rows import SeatKind

REQUIRED, OPTIONAL = ("row", "number", "category"), ("section", "kind", "x", "y")
SEPARATORS = ",;\t"
AISLE = "aisle"
_PLACE = re.compile(r"-?[0-9]{1,9}([.,][0-9]{1,9})?")
#: More aisles than this are no hall.
MAX_LINES = 2 * MAX_SEATS


def read_csv(data: bytes) -> ImportedHall:
    """Read a hall from CSV in UTF-8, separated by commas, semicolons or tabs. It has no name.

    Raises: BadPlan whose place is a line and a column.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise imported_names.not_utf8(data, error) from None
    lines = _lines(text)
    number, header = next(lines, (1, [""]))
    reader = _Reader(_columns(header, number))
    for number, fields in lines:
        reader.line(number, fields)
    return reader.hall()


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each line that is not blank."""
    head = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise BadPlan(f"Not CSV: {error}.", f"line {max(reader.line_num, 1)}") from None


def _columns(header: list[str], line: int) -> list[str]:
    """Return the names of the columns. Raises BadPlan."""
    at = f"line {line}"
    columns = [name.lower() for name in header]
    for name in columns:
        if name not in REQUIRED + OPTIONAL:
            raise BadPlan(f"There is no column {shown(name)}: {', '.join(REQUIRED + OPTIONAL)}.", at)
        if columns.count(name) > 1:
            raise BadPlan("This column is there twice.", f'{at}, column "{name}"')
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise BadPlan(f"The first line names the columns; {', '.join(missing)} is missing.", at)
    if ("x" in columns) != ("y" in columns):
        raise BadPlan("x and y go together.", at)
    return columns


@dataclass(slots=True)
class _Row:
    """A row that is being read. `aisle`: one has just been read.   `aisles`: it has lines for aisles."""

    given: GivenRow
    aisle: bool = False
    aisles: bool = False


@dataclass(slots=True)
class _Reader:
    """Reads the lines of one file."""

    columns: list[str]
    rows: dict[tuple[str, str], _Row] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    categories: Keys = field(default_factory=Keys)
    seats: int = 0
    lines: int = 0

    def line(self, number: int, fields: list[str]) -> None:
        """Read one line. Raises BadPlan."""
        at = f"line {number}"
        if len(fields) != len(self.columns):
            raise BadPlan(f"The line has {len(fields)} fields, the first line {len(self.columns)}.", at)
        values = dict(zip(self.columns, fields, strict=True))
        row = self._row(values, at)
        self.lines += 1
        kind = values.get("kind", "").lower()
        if kind == AISLE:
            if values["number"]:
                raise BadPlan("An aisle has no number.", f'{at}, column "number"')
            row.aisle = row.aisles = True
        else:
            row.given.seats.append(self._seat(values, kind, row.aisle and bool(row.given.seats), at))
            row.aisle = False
            self.seats += 1
        if self.seats > MAX_SEATS or self.lines > MAX_LINES:
            raise BadPlan(f"A hall has at most {MAX_SEATS} seats.", at)

    def hall(self) -> ImportedHall:
        """Return the hall. Raises BadPlan."""
        rows = [row for row in self.rows.values() if row.given.seats]
        for row in rows:
            row.given.by_place = not row.aisles
        shown_as = {key: {"name": name} for name, key in self.categories.by_name.items() if name != key}
        drawing = {"categories": shown_as} if shown_as else {}
        sections = list(self.sections.values())
        return build("", sections, [row.given for row in rows], drawing, [], at="line 1")

    def _row(self, values: dict[str, str], at: str) -> _Row:
        label = imported_names.row_label(values["row"], f'{at}, column "row"')
        section, name = "", values.get("section", "")
        if name:
            name = imported_names.shown_name(name, f'{at}, column "section"')
            section = self.keys.section(name)
            self.sections.setdefault(section, Section(section, name))
        return self.rows.setdefault((section, label), _Row(GivenRow(section, label, at, by_place=False)))

    def _seat(self, values: dict[str, str], kind: str, aisle: bool, at: str) -> GivenSeat:
        name = imported_names.seat_name(values["number"], f'{at}, column "number"')
        if not values["category"]:
            raise BadPlan("A seat has a category.", f'{at}, column "category"')
        shown_as = imported_names.shown_name(values["category"], f'{at}, column "category"')
        category = self.categories.category(shown_as)
        if len(self.categories.by_name) > MAX_CATEGORIES:
            raise BadPlan(f"A hall has at most {MAX_CATEGORIES} categories.", f'{at}, column "category"')
        if kind and kind not in set(SeatKind):
            kinds = ", ".join([*SeatKind, AISLE])
            raise BadPlan(f"A kind is one of {kinds}, not {shown(kind)}.", f'{at}, column "kind"')
        return GivenSeat(name, category, at, SeatKind(kind or "seat"), self._point(values, at), aisle)

    def _point(self, values: dict[str, str], at: str) -> Point | None:
        x, y = values.get("x", ""), values.get("y", "")
        if not x and not y:
            return None
        for name, value in (("x", x), ("y", y)):
            if not _PLACE.fullmatch(value):
                raise BadPlan(f"A place is a number, not {shown(value)}.", f'{at}, column "{name}"')
        return scaled(float(x.replace(",", ".")), float(y.replace(",", ".")), at)
