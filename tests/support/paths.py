"""Paths of the OpenAPI document, with a value for each of their parameters."""

from __future__ import annotations

import re

#: Of resources that may not exist; other parameters are numbers.
VALUES = {
    "booking_id": "00000001-0000-8000-8000-000000000000",
    "user_id": "00000000-0000-4000-8000-000000000000",
    "reference": "1-AAAAA-AAAAA",
    "parked_id": "0-a-1-1",
    "change_id": "a-1-1",
    "name": "start.js",
}


def filled(path: str, **values: object) -> str:
    """Return a path of the document with the given values for its parameters, and those of VALUES for the others."""
    known = VALUES | values
    return re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], "1")), path)
