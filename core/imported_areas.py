"""Areas of pretix's seating plans (stages, bars, texts) as shapes of a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.drawings import MAX_POINTS, MAX_TEXT, Point
from core.imported_halls import SCALE, scaled
from core.imported_names import color
from core.plans import BadPlan


def shape_of(area: Any, origin: Point, at: str) -> dict[str, Any] | None:
    """Return an area as a shape; None if nothing of it is seen.

    Args: origin: of its zone.   at: its place in the file.   Raises: BadPlan: it is not an area.
    """
    if not isinstance(area, dict):
        raise BadPlan("An area is an object.", at)
    kind = area.get("shape", "rectangle")
    here = f"{at}/position"
    x, y = _place(area.get("position", {"x": 0, "y": 0}), origin, here)
    shape: dict[str, Any] = {"x": x, "y": y}
    if kind == "rectangle":
        # Older plans have the sides in the area itself.
        shape |= {"shape": kind} | _sizes(area.get("rectangle", area), ("width", "height"), at)
    elif kind == "circle":
        size = _sizes(area.get("circle"), ("radius",), f"{at}/circle")["radius"]
        shape |= {"shape": "ellipse", "radius_x": size, "radius_y": size}
    elif kind == "ellipse":
        radius = area["ellipse"].get("radius") if isinstance(area.get("ellipse"), dict) else None
        sizes = _sizes(radius, ("x", "y"), f"{at}/ellipse")
        shape |= {"shape": kind, "radius_x": sizes["x"], "radius_y": sizes["y"]}
    elif kind == "polygon":
        shape |= {"shape": kind, "points": _points(area.get("polygon"), (x, y), f"{at}/polygon")}
    elif kind == "text":
        shape |= {"shape": kind}
    else:
        raise BadPlan("An area's shape is polygon, rectangle, ellipse, circle or text.", f"{at}/shape")
    for name, of in (("color", "color"), ("border", "border_color")):
        if found := color(area.get(of)):
            shape[name] = found
    rotation = area.get("rotation", 0)
    if type(rotation) in (int, float) and math.isfinite(rotation) and round(rotation) % 360:
        shape["rotation"] = round(rotation) % 360
    shape |= _text(area.get("text"), (x, y), f"{at}/text")
    return shape if kind != "text" or "text" in shape else None


def _text(given: Any, origin: Point, at: str) -> dict[str, Any]:
    """Return a shape's text, its colour, size and place; in older plans it is a mere string."""
    if isinstance(given, str):
        given = {"text": given}
    if given is None:
        return {}
    if not isinstance(given, dict) or not isinstance(given.get("text", ""), str):
        raise BadPlan("A text is an object with a text and a position.", at)
    text = given.get("text", "").replace("\x00", "").encode("utf-8", "ignore").decode()[:MAX_TEXT]
    if not text.strip():
        return {}
    shape: dict[str, Any] = {"text": text}
    if found := color(given.get("color")):
        shape["text_color"] = found
    if "size" in given:
        shape["text_size"] = _sizes(given, ("size",), at)["size"]
    if "position" in given:
        x, y = _place(given["position"], (0, 0), f"{at}/position")
        if (x, y) != (0, 0):
            shape |= {"text_x": origin[0] + x, "text_y": origin[1] + y}
    return shape


def _sizes(given: Any, names: tuple[str, ...], at: str) -> dict[str, int]:
    """Return lengths in the drawing's unit."""
    found: dict[str, int] = {}
    for name in names:
        value = given.get(name) if isinstance(given, Mapping) else None
        if type(value) not in (int, float):
            raise BadPlan(f"{name} is a number.", f"{at}/{name}")
        found[name] = abs(_scaled(value, 0, f"{at}/{name}")[0])
    return found


def _place(given: Any, origin: Point, at: str) -> Point:
    x, y = (given.get(axis) if isinstance(given, Mapping) else None for axis in ("x", "y"))
    if type(x) not in (int, float) or type(y) not in (int, float):
        raise BadPlan("A position has the numbers x and y.", at)
    right, down = _scaled(x, y, at)
    return scaled((origin[0] + right) / SCALE, (origin[1] + down) / SCALE, at)


def _scaled(x: Any, y: Any, at: str) -> Point:
    try:
        return scaled(float(x), float(y), at)
    except OverflowError:
        raise BadPlan("Too large a number.", at) from None


def _points(given: Any, origin: Point, at: str) -> list[list[int]]:
    points = given.get("points") if isinstance(given, Mapping) else None
    if not isinstance(points, list) or not 3 <= len(points) <= MAX_POINTS:
        raise BadPlan(f"A polygon has 3 to {MAX_POINTS} points.", f"{at}/points")
    return [list(_place(point, origin, f"{at}/points/{index}")) for index, point in enumerate(points)]
