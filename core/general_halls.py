"""The plan of a hall that is no more than a number of seats, numbered from 1."""

from __future__ import annotations

from typing import Any

from core.seat_labels import MAX_NUMBER

#: The category of all its seats.
_CATEGORY = "standard"


def general_plan(seats: int) -> dict[str, Any]:
    """Return the plan: A1, A2, ...; each further row (B, C, ...) begins when the highest number is reached."""
    rows = []
    for index, first in enumerate(range(0, seats, MAX_NUMBER)):
        block = {"first": 1, "last": min(MAX_NUMBER, seats - first), "category": _CATEGORY}
        rows.append({"label": chr(ord("A") + index), "blocks": [block]})
    return {"rows": rows}
