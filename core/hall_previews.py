"""What a hall looks like before it is stored: counts of its seats, and a drawing in letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.halls import Hall
from core.imported_halls import ImportedHall
from core.rows import Row, SeatKind

#: Max columns and rows of a drawing, and sections of a preview.
MAX_WIDTH, MAX_ROWS, MAX_SECTIONS = 100, 40, 20
#: Letters for the categories, in the order of their first seats; further ones share the last.
LETTERS = "abdefghijklmnopqrstuvxyz*"
ACCESSIBLE = {SeatKind.WHEELCHAIR: "W", SeatKind.COMPANION: "C"}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many seats a hall has of each category and kind, and per section: key, name, rows and seats."""

    categories: dict[str, int]
    kinds: dict[str, int]
    sections: list[tuple[str, str, int, int]]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as the api shows them."""
        sections = [
            {"key": key, "name": name, "rows": rows, "seats": seats} for key, name, rows, seats in self.sections
        ]
        return {"categories": self.categories, "kinds": self.kinds, "sections": sections}


def counted(hall: Hall) -> Counts:
    """Count a hall's seats. A hall without sections has one without a name."""
    categories, kinds = Counter[str](), Counter[str]()
    rows, seats = Counter[str](), Counter[str]()
    for row in hall.rows:
        rows[row.section] += 1
        seats[row.section] += row.width
        for block, (category, names) in enumerate(row.blocks()):
            categories[category] += len(names)
            kinds[(row.kinds[block] if row.kinds else SeatKind.SEAT).value] += len(names)
    named = {section.key: section.name for section in hall.sections}
    sections = [(key, named.get(key, ""), rows[key], seats[key]) for key in dict.fromkeys(["", *named]) if rows[key]]
    return Counts(dict(categories), dict(kinds), sections)


def preview(imported: ImportedHall, name: str) -> str:
    """Return a hall as text: its counts, each section's rows drawn with a letter per seat, and the notes."""
    hall, counts = imported.hall, counted(imported.hall)
    letters = dict(zip(counts.categories, LETTERS, strict=False))
    lines = [f"{name}: {hall.capacity} seats in {len(hall.rows)} rows"]
    lines += [f"  {letters.get(key, LETTERS[-1])}  {key}: {seats}" for key, seats in counts.categories.items()]
    lines += [
        f"  {letter}  {kind.value}: {counts.kinds[kind.value]}"
        for kind, letter in ACCESSIBLE.items()
        if kind.value in counts.kinds
    ]
    for key, title, rows, seats in counts.sections[:MAX_SECTIONS]:
        lines += ["", f"{title or 'Rows'}{f' ({key})' if key else ''}: {seats} seats in {rows} rows"]
        lines += _drawn([row for row in hall.rows if row.section == key], letters)
    if len(counts.sections) > MAX_SECTIONS:
        lines += ["", f"... and {len(counts.sections) - MAX_SECTIONS} more sections"]
    if imported.notes:
        lines += ["", *imported.notes]
    return "\n".join(lines)


def _drawn(rows: Sequence[Row], letters: dict[str, str]) -> Iterator[str]:
    """Yield a line per row: its label, its seats from left to right with a blank for an aisle, and their number."""
    seen = [(row, _letters(row, letters)) for row in rows[:MAX_ROWS]]
    width = min(MAX_WIDTH, max(len(drawn) for _, drawn in seen))
    for row, drawn in seen:
        short = drawn if len(drawn) <= width else drawn[: width - 3] + "..."
        yield f"  {row.label:>6}  {short:^{width}}  {row.width}"
    if len(rows) > MAX_ROWS:
        yield f"  ... and {len(rows) - MAX_ROWS} more rows"


def _letters(row: Row, letters: dict[str, str]) -> str:
    drawn, column = [], 0
    for block, (category, names) in enumerate(row.blocks()):
        letter = letters.get(category, LETTERS[-1])
        if row.kinds:
            letter = ACCESSIBLE.get(row.kinds[block], letter)
        for place in range(len(names)):
            drawn.append(f" {letter}" if column + place and column + place in row.runs else letter)
        column += len(names)
    return "".join(drawn)
