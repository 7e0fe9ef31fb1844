"""An arena of 100,000 seats with places, as CSV and as a seating plan of pretix: blocks all around the field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BLOCKS, ROWS, SEATS = 50, 40, 50
RADIUS, ROW_DISTANCE, SEAT_DISTANCE = 900.0, 18.0, 12.0


@dataclass(frozen=True, slots=True)
class ArenaSeat:
    """A seat: its block (101, 102, ...), row and number, its price category and its place."""

    block: str
    row: int
    number: int
    category: str
    x: float
    y: float


def arena(blocks: int = BLOCKS, rows: int = ROWS, seats: int = SEATS) -> Iterator[ArenaSeat]:
    """Yield the seats of an arena, block after block; each block is straight and faces the middle.

    Inside a block an aisle divides each row: the seats on its right are two seats' distance further on.
    """
    for block in range(blocks):
        angle = 2 * math.pi * block / blocks
        across, out = (-math.sin(angle), math.cos(angle)), (math.cos(angle), math.sin(angle))
        for row in range(rows):
            far = RADIUS + row * ROW_DISTANCE
            for number in range(seats):
                aside = (number - seats / 2 + (2 if number >= seats // 2 else 0)) * SEAT_DISTANCE
                x, y = (3_000 + far * axis + aside * along for axis, along in zip(out, across, strict=True))
                category = "Lower" if row < rows // 2 else "Upper"
                yield ArenaSeat(str(101 + block), row + 1, number + 1, category, round(x, 1), round(y, 1))


def arena_csv(**sizes: int) -> bytes:
    """Return an arena as CSV."""
    lines = [f"{s.block},{s.row},{s.number},{s.category},{s.x},{s.y}\n" for s in arena(**sizes)]
    return "".join(["section,row,number,category,x,y\n", *lines]).encode()


def arena_pretix(**sizes: int) -> dict[str, Any]:
    """Return an arena as a seating plan of pretix: a zone per block."""
    zones: dict[str, dict[str, Any]] = {}
    for seat in arena(**sizes):
        zone = zones.setdefault(seat.block, {"name": seat.block, "position": {"x": 0, "y": 0}, "rows": []})
        rows = zone["rows"]
        if len(rows) < seat.row:
            rows.append({"row_number": str(seat.row), "position": {"x": 0, "y": 0}, "seats": []})
        rows[-1]["seats"].append(
            {
                "seat_guid": f"{seat.block}-{seat.row}-{seat.number}",
                "seat_number": str(seat.number),
                "position": {"x": seat.x, "y": seat.y},
                "category": seat.category,
            }
        )
    categories = [{"name": "Lower", "color": "#3377aa"}, {"name": "Upper", "color": "#77aadd"}]
    size = {"width": 6_000, "height": 6_000}
    return {"name": "Arena", "size": size, "categories": categories, "zones": list(zones.values())}
