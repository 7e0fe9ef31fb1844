"""pretix's seating plans (JSON) as halls: zones become sections, and places give neighbours and aisles.

Positions add up: a seat's is relative to its row's, and that to its zone's. pretix has no places for wheelchairs: a
category whose name says so makes its seats such places. Rows of one zone with the same number are one row, as editors
draw both sides of an aisle separately. What a plan for ticket shops has besides (ids, directions) is not needed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from core import imported_names
from core.drawings import Point
from core.imported_areas import shape_of
from core.imported_halls import SCALE, GivenRow, GivenSeat, ImportedHall, build, scaled
from core.imported_names import MAX_CATEGORIES, Keys, shown
from core.plans import MAX_SEATS, BadPlan, Section
from core.rows import SeatKind
from core.texts import visible

#: Words in a category's name that make its seats accessible places.
KINDS = {
    SeatKind.COMPANION: ("companion", "begleit", "accompagnat", "carer"),
    SeatKind.WHEELCHAIR: ("wheelchair", "rollstuhl", "fauteuil roulant", "accessible"),
}
#: What is known, and what of it is read; anything else is mentioned.
KNOWN = {
    "plan": {"name", "categories", "zones", "size"},
    "category": {"name", "color"},
    "zone": {"position", "rows", "name", "zone_id", "uuid", "areas", "displayed"},
    "row": {"row_number", "seats", "row_label", "seat_label", "row_number_position", "position", "uuid"}
    | {"number_of_seats", "seats_spacing"},
    "seat": {"seat_guid", "seat_number", "position", "category", "radius", "start_direction", "uuid"},
}


def read_pretix(data: bytes) -> ImportedHall:
    """Read a seating plan in pretix's format. Raises BadPlan; its place is a JSON pointer, or a line."""
    return _Reader(_json(data)).read()


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BadPlan(f"Not JSON: {error.msg}.", f"line {error.lineno}, character {error.colno}") from None
    except UnicodeDecodeError as error:
        raise imported_names.not_utf8(data, error) from None
    except RecursionError:
        raise BadPlan("Nested too deeply.", "line 1") from None
    except ValueError as error:  # NaN and Infinity; integers of thousands of digits
        raise BadPlan(f"Not JSON: {error}.", "line 1") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


class _Reader:
    """Reads one plan."""

    def __init__(self, plan: Any) -> None:
        self._plan = plan
        self._sections, self._categories = Keys(), Keys()
        self._kinds: dict[str, SeatKind] = {}
        self._colors: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._notes: list[str] = []
        self._seats = 0

    def read(self) -> ImportedHall:
        """Return the hall. Raises BadPlan."""
        plan = self._object(self._plan, "plan", "")
        name = self._text(plan, "name", "", optional=True)
        for index, category in enumerate(self._list(plan, "categories", "")):
            self._category(category, f"/categories/{index}")
        zones = [
            (self._object(zone, "zone", f"/zones/{index}"), f"/zones/{index}")
            for index, zone in enumerate(self._list(plan, "zones", ""))
        ]
        used = [at for zone, at in zones if self._list(zone, "rows", at)]
        rows: dict[tuple[str, str], GivenRow] = {}
        sections: dict[str, Section] = {}
        shapes = []
        for zone, at in zones:
            origin = self._point(zone, at, (0, 0))
            if at in used and len(used) > 1:
                section = self._section(zone, at, len(sections) + 1)
                sections.setdefault(section.key, section)
                self._rows(zone, at, origin, section.key, rows)
            else:
                self._rows(zone, at, origin, "", rows)
            shapes += [
                shape_of(area, origin, f"{at}/areas/{index}")
                for index, area in enumerate(self._list(zone, "areas", at, optional=True))
            ]
        drawing = self._drawing(plan, [shape for shape in shapes if shape is not None])
        if self._unknown:
            self._notes.append(f"Not used: {', '.join(sorted(self._unknown)[:20])}.")
        named = imported_names.hall_name(name)
        return build(named, list(sections.values()), list(rows.values()), drawing, self._notes, at="/zones")

    def _drawing(self, plan: Mapping[str, Any], shapes: list[dict[str, Any]]) -> dict[str, Any]:
        drawing: dict[str, Any] = {}
        if "size" in plan:
            size = plan["size"]
            sides = [size.get(side) if isinstance(size, dict) else None for side in ("width", "height")]
            width, height = (self._number(side, "/size") for side in sides)
            drawing["size"] = [max(1, side) for side in scaled(abs(width), abs(height), "/size")]
        if shapes:
            drawing["shapes"] = shapes
        drawing["categories"] = {
            key: {"name": visible(name)} | ({"color": color} if color else {})
            for name, key in self._categories.by_name.items()
            for color in (self._colors.get(name),)
        }
        return drawing

    def _category(self, given: Any, at: str) -> None:
        category = self._object(given, "category", at)
        name = self._text(category, "name", at)
        if name in self._categories.by_name:
            raise BadPlan(f"Category {shown(name)} is in the plan twice.", f"{at}/name")
        if len(self._categories.by_name) == MAX_CATEGORIES:
            raise BadPlan(f"A hall has at most {MAX_CATEGORIES} categories.", at)
        imported_names.shown_name(name, f"{at}/name")
        self._categories.category(name)
        lower = name.casefold()
        self._kinds[name] = next(
            (kind for kind, words in KINDS.items() if any(word in lower for word in words)), SeatKind.SEAT
        )
        color = imported_names.color(category.get("color"))
        if color:
            self._colors[name] = color

    def _section(self, zone: Mapping[str, Any], at: str, number: int) -> Section:
        name = self._text(zone, "name", at, optional=True) or self._text(zone, "zone_id", at, optional=True)
        name = imported_names.shown_name(name, f"{at}/name") if name.strip() else f"Zone {number}"
        return Section(self._sections.section(name), name)

    def _rows(
        self, zone: Mapping[str, Any], at: str, origin: Point, section: str, rows: dict[tuple[str, str], GivenRow]
    ) -> None:
        """Add a zone's rows to `rows`, by section and label."""
        for index, given in enumerate(self._list(zone, "rows", at)):
            here = f"{at}/rows/{index}"
            row = self._object(given, "row", here)
            label = imported_names.row_label(self._text(row, "row_number", here), f"{here}/row_number")
            seats = list(self._row_seats(row, here, self._point(row, here, origin)))
            if seats:
                whole = rows.setdefault((section, label), GivenRow(section, label, here, by_place=True))
                whole.seats += seats

    def _row_seats(self, row: Mapping[str, Any], at: str, origin: Point) -> Iterator[GivenSeat]:
        for index, given in enumerate(self._list(row, "seats", at)):
            here = f"{at}/seats/{index}"
            seat = self._object(given, "seat", here)
            name = imported_names.seat_name(self._text(seat, "seat_number", here), f"{here}/seat_number")
            category = self._text(seat, "category", here)
            if category not in self._categories.by_name:
                raise BadPlan(f"The plan has no category {shown(category)}.", f"{here}/category")
            if seat.get("position") is None:
                raise BadPlan("A seat needs a position.", f"{here}/position")
            self._seats += 1
            if self._seats > MAX_SEATS:
                raise BadPlan(f"A hall has at most {MAX_SEATS} seats.", here)
            point = self._point(seat, here, origin)
            key = self._categories.category(category)
            yield GivenSeat(name, key, here, self._kinds[category], point)

    # -- values -----------------------------------------------------------------------------------------

    def _object(self, value: Any, kind: str, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadPlan(f"A {kind} is an object.", at or "/")
        self._unknown |= {name[:40] for name in value.keys() - KNOWN[kind] if name.isprintable()}
        return value

    def _list(self, value: Mapping[str, Any], name: str, at: str, *, optional: bool = False) -> list[Any]:
        if optional and value.get(name) is None:
            return []
        found = value.get(name)
        if not isinstance(found, list):
            raise BadPlan(f"{name} is a list.", f"{at}/{name}")
        return found

    def _text(self, value: Mapping[str, Any], name: str, at: str, *, optional: bool = False) -> str:
        found = value.get(name)
        if optional and found is None:
            return ""
        if not isinstance(found, str) or not (found or optional):
            raise BadPlan(f"{name} is a text.", f"{at}/{name}")
        return found

    def _point(self, value: Mapping[str, Any], at: str, origin: Point) -> Point:
        """Return an object's position, which is relative to `origin`; without one it is there."""
        given = value.get("position")
        if given is None:
            return origin
        here = f"{at}/position"
        if not isinstance(given, dict):
            raise BadPlan("A position is an object with x and y.", here)
        x, y = (self._number(given.get(axis), f"{here}/{axis}") for axis in ("x", "y"))
        return scaled(origin[0] / SCALE + x, origin[1] / SCALE + y, here)

    def _number(self, value: Any, at: str) -> float:
        if type(value) not in (int, float):
            raise BadPlan("Not a number.", at)
        try:
            return float(value)
        except OverflowError:
            raise BadPlan("Too large a number.", at) from None
