"""Cursors: where the next page of a list begins. To a client a text without meaning; inside, the last row's place.

A page begins behind the row that ended the page before, wherever that row stands by now. So what comes, goes or
begins meanwhile neither hides rows nor shows them twice, as it would if pages were counted.
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
#: A title of 200 characters, each of them escaped, is shorter.
MAX_CHARS = 2_000
#: The last millisecond of the year 9999, which is the last that a time can have here.
LATEST_MS = 253_402_300_799_999


class Cursor:
    """The cursors of one list: a row's place is what the list is sorted by."""

    def __init__(self, name: str, *place: fields.Field[Any]) -> None:
        """`name`: a cursor of another list is refused. `place`: the kind of each value that the list is sorted by."""
        self._name = name
        self._place = place

    def write(self, *place: Any) -> str:
        """The cursor of the page that begins behind a row."""
        return urlsafe_b64encode(orjson.dumps([self._name, *place])).decode().rstrip("=")

    def read(self, text: str | None) -> tuple[Any, ...] | None:
        """The place behind which a page begins; None at the list's beginning. Raises: InvalidCursor."""
        if text is None:
            return None
        if len(text) > MAX_CHARS:
            raise InvalidCursor
        try:
            name, *place = orjson.loads(b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
            if name != self._name:
                raise InvalidCursor
            return tuple(kind.deserialize(value) for kind, value in zip(self._place, place, strict=True))
        except (ValueError, TypeError, ValidationError):
            raise InvalidCursor from None

    def page(
        self,
        noun: str,
        found: Sequence[Row],
        limit: int,
        shown: Callable[[Row], dict[str, Any]],
        place: Callable[[Row], tuple[str | int | UUID, ...]],
    ) -> dict[str, Any]:
        """A page as `api/shapes/answers.py` Page.

        Args: found: up to `limit` + 1 rows; the one too many tells that there is another page.
              shown, place: a row as JSON, and its place in the list.
        """
        rows = found[:limit]
        following = self.write(*place(rows[-1])) if len(found) > limit else None
        return {noun: [shown(row) for row in rows], "limit": limit, "next_cursor": following}


def _time() -> Whole:
    return Whole(validate=validate.Range(0, LATEST_MS))


def _number() -> Whole:
    return Whole(validate=validate.Range(1, (1 << 31) - 1))


MOVIES = Cursor("movies", Text(validate=validate.Length(max=200)), _number())
HALLS = Cursor("halls", Text(validate=validate.Length(max=200)), _number())
SHOWS = Cursor("shows", _time(), _number())
BOOKINGS = Cursor("bookings", _time(), fields.UUID())
