"""Shapes of the answers about seats for pages that draw them: a hall's layout, and the states of a show's seats."""

from __future__ import annotations

from marshmallow import fields, validate

from api.shapes.base import Shape
from api.shapes.fields import Text, Whole
from core.rows import SeatKind


class SeatStatesAnswer(Shape):
    """The states of a show's seats at one version: all of them, or what has changed since an earlier version.

    A state is 0 (AVAILABLE), 1 (HELD) or 2 (SOLD). A seat's index is its place in the hall's layout.
    """

    show_id = Whole(required=True)
    version = Whole(required=True)
    seats = Whole(required=True, metadata={"description": "How many seats the hall has."})
    free = Whole(required=True)
    held = Whole(required=True)
    sold = Whole(required=True)
    states = Text(
        required=True,
        allow_none=True,
        metadata={
            "description": "Base64 of two bits a seat: seat i is in byte i / 4, at the bits 2 * (i % 4), the lowest"
            " first. Null if `changes` has them."
        },
    )
    since = Whole(required=True, allow_none=True, metadata={"description": "The version that `changes` begins at."})
    changes = fields.List(
        fields.List(Whole(), validate=validate.Length(equal=2)),
        required=True,
        allow_none=True,
        metadata={"description": "Pairs of a seat's index and its new state; null if `states` has all."},
    )


class LayoutBlock(Shape):
    """Adjacent seats of one category and kind, from left to right."""

    category = Whole(required=True, metadata={"description": "Its place in the layout's `categories`, from 0."})
    kind = Text(required=True, validate=validate.OneOf([kind.value for kind in SeatKind]))
    names = fields.List(
        fields.Raw(),
        required=True,
        metadata={"description": "The seats' numbers, or their names.", "items": {"type": ["integer", "string"]}},
    )


class LayoutRow(Shape):
    """A row. Its seats' labels are `prefix` and their names; their indexes are counted from `first`."""

    section = Text(required=True, allow_none=True)
    label = Text(required=True)
    prefix = Text(required=True)
    first = Whole(required=True)
    blocks = fields.List(fields.Nested(LayoutBlock), required=True)
    aisles = fields.List(Whole(), required=True, metadata={"description": "Places in the row that follow an aisle."})


class LayoutSection(Shape):
    """A part of a hall, such as the stalls or the balcony."""

    key = Text(required=True)
    name = Text(required=True)


class LayoutAnswer(Shape):
    """Everything about a hall's seats that never changes, in the order of the plan."""

    hall_id = Whole(required=True)
    seats = Whole(required=True)
    categories = fields.List(Text(), required=True)
    sections = fields.List(fields.Nested(LayoutSection), required=True)
    rows = fields.List(fields.Nested(LayoutRow), required=True)
    drawing = fields.Dict(required=True, allow_none=True, metadata={"description": "As in the hall's plan."})


SEAT_STATES, LAYOUT = SeatStatesAnswer(), LayoutAnswer()
