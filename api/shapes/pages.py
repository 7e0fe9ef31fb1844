"""The shape of a page of a list."""

from __future__ import annotations

from api.shapes.base import Shape
from api.shapes.fields import Text, Whole


class Page(Shape):
    """A page of a list. `next_cursor` is null on the last one."""

    limit = Whole(required=True)
    next_cursor = Text(required=True, allow_none=True)
