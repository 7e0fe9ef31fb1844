"""Halls from files: what an importer has read becomes a plan of format 2.

core/pretix_plans.py and core/csv_plans.py read files into rows of seats (`GivenRow`); `build` puts the seats of each
row in their order from left to right, finds the aisles, and writes blocks and lines as compactly as it can.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from core import drawings
from core.drawings import Point
from core.halls import Hall, check_plan
from core.plans import MAX_SEATS, BadPlan, Section
from core.plans_by_place import MAX_ROW_SEATS, MAX_ROWS, MAX_SECTIONS
from core.rows import SeatKind

#: Units of a drawing per unit of a file: pretix has pixels, with fractions.
SCALE = 10
#: Neighbours whose distance is this many times the usual one have an aisle between them.
AISLE = 1.6
#: A row whose seats are this near to a straight line, as a share of its length, is put in order along that line.
NEARLY_STRAIGHT = 0.4
#: A block's numbers have steps of at most this; other neighbours begin a new block.
MAX_STEP = 2


@dataclass(slots=True)
class GivenSeat:
    """A seat as a file gives it. `at`: its place in the file.   `aisle`: there is one on its left."""

    name: str
    category: str
    at: str
    kind: SeatKind = SeatKind.SEAT
    point: Point | None = None
    aisle: bool = False


@dataclass(slots=True)
class GivenRow:
    """A row as a file gives it. `section`: its key, "" for none.   `by_place`: the seats' places give their order and
    the aisles; else the file does."""

    section: str
    label: str
    at: str
    by_place: bool
    seats: list[GivenSeat] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportedHall:
    """A hall from a file. `name`: "" if the file has none.   `notes`: what its sender should know, in sentences."""

    name: str
    plan: dict[str, Any] = field(repr=False)
    hall: Hall = field(repr=False)
    notes: tuple[str, ...]


def build(
    name: str,
    sections: Sequence[Section],
    rows: Sequence[GivenRow],
    drawing: dict[str, Any],
    notes: Sequence[str],
    *,
    at: str,
) -> ImportedHall:
    """Return the hall with these rows, front first.

    Args: drawing: its size, shapes and categories.   at: the place in the file of what concerns all of it.
    Raises: BadPlan that names the place in the file.
    """
    _check_limits(sections, rows, at)
    written, lines, turned = [], [], []
    for row in rows:
        _check_names(row)
        seats = _in_order(row) if row.by_place else row.seats
        if [seat.name for seat in seats] not in ([seat.name for seat in row.seats], _reversed_names(row)):
            turned.append("-".join(filter(None, (row.section, row.label))))
        section = {"section": row.section} if row.section else {}
        written.append({**section, "label": row.label, "blocks": list(_blocks(seats))})
        points = [seat.point for seat in seats if seat.point is not None]
        lines.append(drawings.lines_of(points))
    plan: dict[str, Any] = {"format": 2}
    if sections:
        plan["sections"] = [{"key": section.key, "name": section.name} for section in sections]
    plan["rows"] = written
    if any(lines):
        drawing = {**drawing, "rows": lines}
    if drawing:
        plan["drawing"] = drawing
    if turned:
        notes = [*notes, f"The seats' places, not the file, give their order in row {', '.join(turned[:20])}."]
    try:
        return ImportedHall(name, plan, check_plan(plan), tuple(notes))
    except BadPlan as fault:
        raise BadPlan(f"The plan that it becomes is not valid: {fault}", at) from fault


def _check_limits(sections: Sequence[Section], rows: Sequence[GivenRow], at: str) -> None:
    if not rows:
        raise BadPlan("The file has no seats.", at)
    if len(rows) > MAX_ROWS or len(sections) > MAX_SECTIONS:
        raise BadPlan(f"A hall has at most {MAX_ROWS} rows and {MAX_SECTIONS} sections.", at)
    if sum(len(row.seats) for row in rows) > MAX_SEATS:
        raise BadPlan(f"A hall has at most {MAX_SEATS} seats.", at)


def scaled(x: float, y: float, at: str) -> Point:
    """Return a place of a file as a place of the drawing. Raises BadPlan: it is too far away, or no number."""
    most = drawings.MAX_COORDINATE
    if not (math.isfinite(x) and math.isfinite(y) and abs(x) * SCALE <= most and abs(y) * SCALE <= most):
        raise BadPlan(f"A place is a number of at most {most // SCALE} either way.", at)
    return round(x * SCALE), round(y * SCALE)


def _reversed_names(row: GivenRow) -> list[str]:
    return [seat.name for seat in reversed(row.seats)]


def _check_names(row: GivenRow) -> None:
    if len(row.seats) > MAX_ROW_SEATS:
        raise BadPlan(f"A row has at most {MAX_ROW_SEATS} seats; row {row.label} has {len(row.seats)}.", row.at)
    found: dict[str, GivenSeat] = {}
    for seat in row.seats:
        first = found.setdefault(seat.name, seat)
        if first is not seat:
            where = f" of {row.section}" if row.section else ""
            raise BadPlan(f"Seat {seat.name} is in row {row.label}{where} twice; first: {first.at}.", seat.at)
        if (seat.point is None) != (row.seats[0].point is None):
            raise BadPlan(f"Some seats of row {row.label} have a place, and some have none.", seat.at)


def _in_order(row: GivenRow) -> list[GivenSeat]:
    """Return the seats from left to right by their places, with an aisle where the distance is larger than usual."""
    placed = [(seat, seat.point) for seat in row.seats if seat.point is not None]
    if len(placed) < max(len(row.seats), 2):
        return row.seats
    points = [point for _, point in placed]
    start = max(points, key=lambda point: math.dist(point, points[0]))
    end = max(points, key=lambda point: math.dist(point, start))
    length = math.dist(start, end)
    if start > end:
        start, end = end, start
    across = (end[0] - start[0], end[1] - start[1])
    if length and all(_off(point, start, across) <= NEARLY_STRAIGHT * length**2 for point in points):
        placed.sort(key=lambda one: (one[1][0] - start[0]) * across[0] + (one[1][1] - start[1]) * across[1])
    elif points[0] > points[-1]:
        placed.reverse()
    gaps = [math.dist(left, right) for (_, left), (_, right) in pairwise(placed)]
    usual = median(gaps)
    placed[0][0].aisle = False
    for (seat, _), gap in zip(placed[1:], gaps, strict=True):
        seat.aisle = bool(usual) and gap > AISLE * usual
    return [seat for seat, _ in placed]


def _off(point: Point, start: Point, across: Point) -> int:
    """Return how far a place is from the line through `start` in the direction `across`, times the line's length."""
    return abs((point[0] - start[0]) * across[1] - (point[1] - start[1]) * across[0])


def _blocks(seats: Sequence[GivenSeat]) -> Iterator[dict[str, Any]]:
    """Yield a row's blocks: each as long as category and kind are the same and the numbers have one step."""
    start = 0
    while start < len(seats):
        first, end, step = seats[start], start + 1, 0
        number = int(first.name) if first.name.isdigit() else None
        while end < len(seats) and _alike(first, seats[end]):
            name = seats[end].name
            if number is None or not name.isdigit():
                if number is not None or name.isdigit():
                    break
            else:
                distance = int(name) - int(seats[end - 1].name)
                if abs(distance) > MAX_STEP or distance != (step or distance):
                    break
                step = distance
            end += 1
        yield _block(seats[start:end], step)
        start = end


def _alike(first: GivenSeat, seat: GivenSeat) -> bool:
    return not seat.aisle and seat.category == first.category and seat.kind is first.kind


def _block(seats: Sequence[GivenSeat], step: int) -> dict[str, Any]:
    first, last = seats[0], seats[-1]
    block: dict[str, Any] = {"aisle": True} if first.aisle else {}
    if first.name.isdigit():
        block |= {"first": int(first.name), "last": int(last.name)}
        if step not in (0, 1):
            block["step"] = step
    else:
        block["seats"] = [seat.name for seat in seats]
    block["category"] = first.category
    if first.kind is not SeatKind.SEAT:
        block["kind"] = first.kind.value
    return block
