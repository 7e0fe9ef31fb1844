"""Drawings of halls: where the seats of a plan of format 2 are, and what else is on it, such as a stage.

{"size": [1200, 800],
 "rows": [[[12, 100, 80, 430, 80], [1, 480, 95]], ...],
 "shapes": [{"shape": "rectangle", "x": 100, "y": 0, "width": 400, "height": 40, "text": "Stage"}],
 "categories": {"premium": {"name": "Premium", "color": "#aa3300"}}}

Each row's seats lie on *lines*, from left to right: [seats, x, y] or [seats, x, y, x of the last, y of the last] with
equal distances. Whole numbers in a unit of the plan's own; x grows to the right, y downwards. A row without lines is
not placed. Only frontends read this: no decision depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.plans import BadPlan

MAX_COORDINATE = 1_000_000
MAX_SHAPES, MAX_POINTS, MAX_TEXT = 2_000, 500, 200
#: How far a seat may be from the place that its line gives it.
TOLERANCE = 5
COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})|[a-z]{3,20}")
#: What each shape has: numbers, and the least value of each.
SHAPES: Mapping[str, Mapping[str, int]] = {
    "rectangle": {"width": 0, "height": 0},
    "ellipse": {"radius_x": 0, "radius_y": 0},
    "polygon": {},
    "text": {},
}
_COMMON: Mapping[str, int] = {
    "x": -MAX_COORDINATE, "y": -MAX_COORDINATE, "rotation": -360, "text_x": -MAX_COORDINATE,
    "text_y": -MAX_COORDINATE, "text_size": 0,
}  # fmt: skip
_REQUIRED = frozenset(("x", "y"))

Point = tuple[int, int]
Line = list[int]


def check(drawing: Any, widths: Sequence[int]) -> None:
    """Check a plan's drawing. Args: widths: the number of seats of each row.

    Raises: BadPlan; its place is a JSON pointer into the plan.
    """
    at = "/drawing"
    if not isinstance(drawing, dict):
        raise BadPlan("A drawing is an object.", at)
    for name in drawing:
        if name not in ("size", "rows", "shapes", "categories"):
            raise BadPlan("A drawing has a size, rows, shapes and categories.", f"{at}/{_step(name)}")
    if "size" in drawing and not _numbers(drawing["size"], 2, least=1):
        raise BadPlan("A drawing's size is its width and its height.", f"{at}/size")
    rows = drawing.get("rows", [])
    if not isinstance(rows, list) or len(rows) not in (0, len(widths)):
        raise BadPlan("A drawing has the lines of every row of the plan, or of none.", f"{at}/rows")
    for index, (lines, width) in enumerate(zip(rows, widths, strict=False)):
        _check_lines(lines, width, f"{at}/rows/{index}")
    shapes = drawing.get("shapes", [])
    if not isinstance(shapes, list) or len(shapes) > MAX_SHAPES:
        raise BadPlan(f"Shapes are a list of at most {MAX_SHAPES}.", f"{at}/shapes")
    for index, shape in enumerate(shapes):
        _check_shape(shape, f"{at}/shapes/{index}")
    _check_categories(drawing.get("categories", {}), f"{at}/categories")


def places(lines: Sequence[Sequence[int]]) -> Iterator[Point]:
    """Yield the place of each seat of a row, from left to right."""
    for count, x, y, *end in lines:
        right, bottom = end or (x, y)
        steps = max(count - 1, 1)
        for place in range(count):
            yield x + _rounded((right - x) * place, steps), y + _rounded((bottom - y) * place, steps)


def lines_of(points: Sequence[Point]) -> list[Line]:
    """Return the lines of a row whose seats have these places: few where the seats are on straight lines."""
    found: list[Line] = []
    start = 0
    while start < len(points):
        count = len(points) - start
        while count > 2 and not _straight(points, start, count):
            count -= count // 2
        if count > 1 and not _straight(points, start, count):
            count = 1
        first, last = points[start], points[start + count - 1]
        found.append([count, *first, *last] if count > 1 else [1, *first])
        start += count
    return found


def _straight(points: Sequence[Point], start: int, count: int) -> bool:
    """Return whether these points are where a line from the first to the last puts them."""
    line = [count, *points[start], *points[start + count - 1]]
    return all(
        abs(x - points[start + place][0]) <= TOLERANCE and abs(y - points[start + place][1]) <= TOLERANCE
        for place, (x, y) in enumerate(places([line]))
    )


def _rounded(value: int, by: int) -> int:
    return (2 * value + by) // (2 * by)


def _numbers(value: Any, count: int, *, least: int = -MAX_COORDINATE) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(type(number) is int and least <= number <= MAX_COORDINATE for number in value)
    )


def _check_lines(lines: Any, width: int, at: str) -> None:
    if not isinstance(lines, list):
        raise BadPlan("A row's places are a list of lines.", at)
    seats = 0
    for index, line in enumerate(lines):
        if not (_numbers(line, 3) or _numbers(line, 5)) or line[0] < 1:
            raise BadPlan("A line is [seats, x, y] or [seats, x, y, x, y], in whole numbers.", f"{at}/{index}")
        seats += line[0]
    if lines and seats != width:
        raise BadPlan(f"The lines have places for {seats} seats, the row has {width}.", at)


def _check_shape(shape: Any, at: str) -> None:
    if not isinstance(shape, dict) or not isinstance(kind := shape.get("shape"), str) or kind not in SHAPES:
        raise BadPlan(f"A shape is one of {', '.join(SHAPES)}.", at)
    numbers = {**_COMMON, **SHAPES[kind]}
    for name in _REQUIRED | SHAPES[kind].keys():
        if name not in shape:
            raise BadPlan(f"A {kind} needs {name}.", f"{at}/{name}")
    for name, value in shape.items():
        here = f"{at}/{_step(name)}"
        if name in numbers:
            if type(value) is not int or not numbers[name] <= value <= MAX_COORDINATE:
                raise BadPlan(f"{name} is a whole number, {numbers[name]} to {MAX_COORDINATE}.", here)
        elif name in ("color", "border", "text_color"):
            if not isinstance(value, str) or not COLOR.fullmatch(value):
                raise BadPlan("A colour is #rrggbb in small letters, or its name in CSS.", here)
        elif name == "text":
            if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or "\x00" in value:
                raise BadPlan(f"A text has 1 to {MAX_TEXT} characters.", here)
        elif name == "points" and kind == "polygon":
            if not isinstance(value, list) or not 3 <= len(value) <= MAX_POINTS or not all(
                _numbers(point, 2) for point in value
            ):  # fmt: skip
                raise BadPlan(f"A polygon has 3 to {MAX_POINTS} points [x, y].", here)
        elif name != "shape":
            raise BadPlan(f"A {kind} has no {name}.", here)
    needed = {"polygon": "points", "text": "text"}.get(kind)
    if needed and needed not in shape:
        raise BadPlan(f"A {kind} needs {needed}.", f"{at}/{needed}")


def _check_categories(categories: Any, at: str) -> None:
    if not isinstance(categories, dict) or len(categories) > MAX_SHAPES:
        raise BadPlan("The categories of a drawing are an object: category -> name and colour.", at)
    for key, shown in categories.items():
        here = f"{at}/{_step(key)}"
        if not isinstance(shown, dict) or not shown.keys() <= {"name", "color"}:
            raise BadPlan("A category is shown with a name and a colour.", here)
        name, color = shown.get("name", "x"), shown.get("color", "#000")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_TEXT or "\x00" in name:
            raise BadPlan(f"A text has 1 to {MAX_TEXT} characters.", f"{here}/name")
        if not isinstance(color, str) or not COLOR.fullmatch(color):
            raise BadPlan("A colour is #rrggbb in small letters, or its name in CSS.", f"{here}/color")


def _step(name: object) -> str:
    """Return a name as a step of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
