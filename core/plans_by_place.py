"""Plans of format 2: seats are neighbours by place, not by number.

{"format": 2,
 "sections": [{"key": "BALC", "name": "Balcony"}],
 "rows": [{"section": "BALC", "label": "A", "blocks": [
     {"first": 11, "last": 1, "step": -2, "category": "premium"},
     {"aisle": true, "seats": ["W1", "W2"], "category": "premium", "kind": "wheelchair"}]}],
 "drawing": ...}

A row's blocks, and the seats of each, are listed from left to right; only an aisle separates neighbours. What decides
never reads the drawing (core/drawings.py).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from core import seat_labels
from core.plans import MAX_SEATS, BadPlan, Section
from core.rows import Row, SeatKind
from core.seat_labels import CATEGORY, MAX_NUMBER, ROW_LABEL, SEAT_NAME, SECTION_KEY
from core.texts import visible

MAX_SECTIONS, MAX_ROWS, MAX_ROW_SEATS = 1_000, 20_000, 9_999
MAX_SECTION_NAME = 100
#: In a row with more blocks than this, seats are found in a table.
SEARCHED_BLOCKS = 16
KINDS = {kind.value: kind for kind in SeatKind}


@dataclass(slots=True)
class _Block:
    """One block as read; `numbers` or `names` has its seats from left to right."""

    numbers: range
    names: tuple[str, ...]
    category: str
    kind: SeatKind
    aisle: bool

    @property
    def seats(self) -> Sequence[int | str]:
        return self.names or self.numbers


def read(plan: Mapping[str, Any]) -> tuple[tuple[Section, ...], list[Row]]:
    """Read the sections and rows of a plan of format 2. Raises BadPlan; its place is a JSON pointer into the plan."""
    sections = _sections(plan)
    keys = {section.key for section in sections}
    rows = plan.get("rows")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ROWS:
        raise BadPlan(f"A plan has 1 to {MAX_ROWS} rows.", "/rows")
    total = 0
    found: dict[str, Row] = {}
    for index, given in enumerate(rows):
        row = _row(index, given, total, keys)
        # The same row with and without named seats would be "A" and "A-".
        if found.setdefault(f"{row.section}-{row.label}", row) is not row:
            where = f" of section {row.section}" if row.section else ""
            raise BadPlan(f"Row {row.label}{where} is in the plan twice.", f"/rows/{index}/label")
        total += row.width
        if total > MAX_SEATS:
            raise BadPlan(f"A hall has at most {MAX_SEATS} seats.", f"/rows/{index}")
    return sections, list(found.values())


def _sections(plan: Mapping[str, Any]) -> tuple[Section, ...]:
    given = plan.get("sections", [])
    if not isinstance(given, list) or len(given) > MAX_SECTIONS:
        raise BadPlan(f"Sections are a list of at most {MAX_SECTIONS}.", "/sections")
    found: dict[str, Section] = {}
    for index, section in enumerate(given):
        at = f"/sections/{index}"
        if not isinstance(section, dict):
            raise BadPlan("A section is an object with a key and a name.", at)
        key, name = section.get("key"), section.get("name")
        if not isinstance(key, str) or not SECTION_KEY.fullmatch(key):
            raise BadPlan("A section's key has one to eight capital letters or digits.", f"{at}/key")
        if key in found:
            raise BadPlan(f"Section {key} is in the plan twice.", f"{at}/key")
        found[key] = Section(key, _name(name, f"{at}/name"))
    return tuple(found.values())


def _name(name: Any, at: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_SECTION_NAME:
        raise BadPlan(f"A section's name has 1 to {MAX_SECTION_NAME} characters.", at)
    try:
        return visible(name)
    except ValueError as error:
        raise BadPlan(str(error), at) from None


def _row(index: int, row: Any, first_index: int, keys: set[str]) -> Row:
    """Check and build one row. Raises BadPlan."""
    at = f"/rows/{index}"
    if not isinstance(row, dict):
        raise BadPlan("A row is an object with a label and blocks.", at)
    label, section = row.get("label"), row.get("section", "")
    if not isinstance(label, str) or not ROW_LABEL.fullmatch(label):
        raise BadPlan("A row's label has one to six capital letters or digits.", f"{at}/label")
    if not isinstance(section, str) or (section and section not in keys):
        raise BadPlan("A row's section is the key of one of the plan's sections.", f"{at}/section")
    given = row.get("blocks")
    if not isinstance(given, list) or not given:
        raise BadPlan(f"Row {label} has no blocks of seats.", f"{at}/blocks")
    blocks = [_block(block, f"{at}/blocks/{number}") for number, block in enumerate(given)]
    if sum(len(block.seats) for block in blocks) > MAX_ROW_SEATS:
        raise BadPlan(f"A row has at most {MAX_ROW_SEATS} seats.", f"{at}/blocks")
    return _built(index, label, section, first_index, blocks, at)


def _built(index: int, label: str, section: str, first_index: int, blocks: Sequence[_Block], at: str) -> Row:
    columns, runs, width = [], [0], 0
    for block in blocks:
        columns.append(width)
        if block.aisle and width:
            runs.append(width)
        width += len(block.seats)
    named = any(block.names for block in blocks)
    rising = not named and _rising(blocks)
    table = None
    if not rising:
        table = _table(label, blocks, columns, at, keep=named or len(blocks) > SEARCHED_BLOCKS)
    return Row(
        index,
        label,
        first_index,
        width,
        firsts=tuple(block.numbers.start for block in blocks),
        columns=tuple(columns),
        categories=tuple(block.category for block in blocks),
        runs=tuple(runs),
        prefix=seat_labels.prefix(section, label, named=named),
        section=section,
        steps=() if rising else tuple(block.numbers.step for block in blocks),
        kinds=_kinds(blocks),
        names=tuple(block.names for block in blocks) if named else (),
        by_name=table,
    )


def _kinds(blocks: Sequence[_Block]) -> tuple[SeatKind, ...]:
    kinds = tuple(block.kind for block in blocks)
    return kinds if any(kind is not SeatKind.SEAT for kind in kinds) else ()


def _rising(blocks: Sequence[_Block]) -> bool:
    """Return whether numbers grow from left to right, by one in each block: then a seat is found by bisection."""
    return all(block.numbers.step == 1 for block in blocks) and all(
        left.numbers[-1] < right.numbers[0] for left, right in pairwise(blocks)
    )


def _table(
    label: str, blocks: Sequence[_Block], columns: Sequence[int], at: str, *, keep: bool
) -> Mapping[str, int] | None:
    """Check that each seat is in the row once; return the column of each if it is to be kept, else None."""
    if not keep and all(_apart(one.numbers, other.numbers) for one, other in combinations(blocks, 2)):
        return None
    table: dict[str, int] = {}
    for number, (block, start) in enumerate(zip(blocks, columns, strict=True)):
        for column, name in enumerate(map(str, block.seats), start):
            if table.setdefault(name, column) != column:
                raise BadPlan(f"Seat {name} is in row {label} twice.", f"{at}/blocks/{number}")
    return table if keep else None


def _apart(one: range, other: range) -> bool:
    """Return whether two blocks have no number in common, as far as their ends and steps tell."""
    step = abs(one.step)
    return (
        max(one[0], one[-1]) < min(other[0], other[-1])
        or max(other[0], other[-1]) < min(one[0], one[-1])
        or (step == abs(other.step) and (one[0] - other[0]) % step != 0)
    )


def _block(block: Any, at: str) -> _Block:
    """Check and read one block. Raises BadPlan."""
    if not isinstance(block, dict):
        raise BadPlan("A block is an object with numbers or names of seats, and a category.", at)
    category, kind, aisle = block.get("category"), block.get("kind", "seat"), block.get("aisle", False)
    if not isinstance(category, str) or not CATEGORY.fullmatch(category):
        raise BadPlan("A category is a short lower-case word.", f"{at}/category")
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadPlan(f"A kind is one of {', '.join(KINDS)}.", f"{at}/kind")
    if aisle is not True and aisle is not False:
        raise BadPlan("An aisle is true or false.", f"{at}/aisle")
    if "seats" in block:
        if not block.keys().isdisjoint(("first", "last", "step")):
            raise BadPlan("A block has either seats, or first, last and step.", at)
        return _Block(range(1), _names(block["seats"], at), sys.intern(category), KINDS[kind], aisle)
    return _Block(_numbers(block, at), (), sys.intern(category), KINDS[kind], aisle)


def _numbers(block: Mapping[str, Any], at: str) -> range:
    first, last = (_whole(block.get(name), 1, f"{at}/{name}") for name in ("first", "last"))
    step = _whole(block.get("step", 1), -MAX_NUMBER, f"{at}/step")
    if not step or (last - first) % step or (last - first) // step < 0:
        raise BadPlan(f"The last number cannot be reached from {first} in steps of {step}.", f"{at}/last")
    return range(first, last + step, step)


def _whole(value: Any, least: int, at: str) -> int:
    if type(value) is not int or not least <= value <= MAX_NUMBER:
        raise BadPlan(f"Must be a whole number, {least} to {MAX_NUMBER}.", at)
    return value


def _names(names: Any, at: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not 0 < len(names) <= MAX_ROW_SEATS:
        raise BadPlan(f"Seats are a list of 1 to {MAX_ROW_SEATS} names.", f"{at}/seats")
    for place, name in enumerate(names):
        if not isinstance(name, str) or not SEAT_NAME.fullmatch(name):
            raise BadPlan(
                "A seat's name is a number, or has up to five capital letters and digits.", f"{at}/seats/{place}"
            )
    return tuple(names)
