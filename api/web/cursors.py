"""Cursors: where the next page of a list begins. Opaque to clients; inside, the sort key of the last row shown.

A page begins after the last row of the previous page, wherever that row is by now (keyset pagination). So rows that
are added or removed meanwhile neither hide others nor show them twice, as they would with page numbers.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import orjson
from marshmallow import ValidationError, fields, validate

from api.shapes.fields import Text, Whole
from api.web.errors import InvalidCursor

Row = TypeVar("Row")
#: Max characters of a cursor: more than a title of 200 characters takes if each is escaped.
MAX_CHARS = 2_000
#: The last millisecond of the year 9999, the latest time that can be represented.
LATEST_MS = 253_402_300_799_999


class Cursor:
    """The cursors of one list. A row's position consists of the values that the list is sorted by."""

    def __init__(self, name: str, *position: fields.Field[Any]) -> None:
        """Args: name: of the list; cursors of others are rejected.   position: the field of each sort key."""
        self._name = name
        self._position = position

    def write(self, *position: Any) -> str:
        """Return the cursor of the page that begins after the row at this position."""
        return urlsafe_b64encode(orjson.dumps([self._name, *position])).decode().rstrip("=")

    def read(self, text: str | None) -> tuple[Any, ...] | None:
        """Return the position after which a page begins; None at the list's beginning. Raises: InvalidCursor."""
        if text is None:
            return None
        if len(text) > MAX_CHARS:
            raise InvalidCursor
        try:
            name, *position = orjson.loads(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
            if name != self._name:
                raise InvalidCursor
            return tuple(kind.deserialize(value) for kind, value in zip(self._position, position, strict=True))
        except (ValueError, TypeError, ValidationError):
            raise InvalidCursor from None

    def page(
        self,
        noun: str,
        found: Sequence[Row],
        limit: int,
        shown: Callable[[Row], dict[str, Any]],
        position: Callable[[Row], tuple[str | int | UUID, ...]],
    ) -> dict[str, Any]:
        """Return a page, shaped as `api/shapes/answers.py` Page.

        Args: noun: the member that lists the rows.   found: up to `limit` + 1 rows; the extra one means there is
              another page.   shown, position: return a row as JSON, and its position in the list.
        """
        rows = found[:limit]
        following = self.write(*position(rows[-1])) if len(found) > limit else None
        return {noun: [shown(row) for row in rows], "limit": limit, "next_cursor": following}


def _time() -> Whole:
    return Whole(validate=validate.Range(0, LATEST_MS))


def _number() -> Whole:
    return Whole(validate=validate.Range(1, (1 << 31) - 1))


MOVIES = Cursor("movies", Text(validate=validate.Length(max=200)), _number())
HALLS = Cursor("halls", Text(validate=validate.Length(max=200)), _number())
SHOWS = Cursor("shows", _time(), _number())
BOOKINGS = Cursor("bookings", _time(), fields.UUID())
USERS = Cursor("users", Text(validate=validate.Length(max=1_000)))
PARKED = Cursor("parked", Whole(), Text(validate=validate.Length(max=100)), _time(), Whole())
AUDIT = Cursor("audit", Whole(validate=validate.Range(1, (1 << 63) - 1)))
