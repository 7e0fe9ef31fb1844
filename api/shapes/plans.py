"""Shapes of halls' plans (docs/halls.md), in requests and answers. core/halls.py checks what a shape cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.shapes.base import Shape, pattern
from api.shapes.fields import Flag, Line, Text, TimeZone, Whole
from core.plans_by_place import MAX_SECTION_NAME
from core.rows import SeatKind
from core.seat_labels import CATEGORY, LETTERS, MAX_NUMBER, ROW_LABEL, SECTION_KEY

SECOND = "Only in a plan of format 2."
NUMBER = validate.Range(1, MAX_NUMBER)


def second(**metadata: Any) -> dict[str, Any]:
    """Return the metadata of a field that only plans of format 2 have."""
    return {"metadata": {"description": SECOND, **metadata}}


class Block(Shape):
    """Adjacent seats of one category, from the first to the last number, inclusive.

    In format 2 in steps of `step`, which may be negative, or with a list of names (`seats`) instead of numbers.
    """

    RULES = MappingProxyType({"oneOf": [{"required": ["first", "last"]}, {"required": ["seats"]}]})

    first = Whole(validate=NUMBER)
    last = Whole(validate=NUMBER)
    category = Text(required=True, validate=pattern(f"^{CATEGORY.pattern}$"))
    step = Whole(validate=validate.Range(-MAX_NUMBER, MAX_NUMBER), **second())
    seats = fields.List(Text(validate=pattern("^[A-Z0-9]{1,5}$")), validate=validate.Length(min=1), **second())
    kind = Text(validate=validate.OneOf([kind.value for kind in SeatKind]), **second())
    aisle = Flag(metadata={"description": f"Whether an aisle is on its left. {SECOND}"})

    @validates_schema
    def numbers_or_names(self, values: Mapping[str, Any], **_: Any) -> None:
        """Require a first and a last number, unless the seats have names."""
        missing = {name: ["Missing data for required field."] for name in ("first", "last") if name not in values}
        if "seats" in values:
            if len(missing) < 2 or "step" in values:
                raise ValidationError("Give either seats, or first, last and step.")
        elif missing:
            raise ValidationError(missing)


class PlanRow(Shape):
    """A row of seats. In format 1, `aisles` are the numbers of the seats that are followed by an aisle."""

    label = Text(required=True, validate=pattern(f"^{ROW_LABEL.pattern}$"))
    section = Text(validate=pattern(f"^{SECTION_KEY.pattern}$"), **second())
    aisles = fields.List(Whole(validate=NUMBER), metadata={"description": "Only in a plan of format 1."})
    blocks = fields.List(fields.Nested(Block), required=True, validate=validate.Length(min=1))


class SectionShape(Shape):
    """A part of a hall: its key in the labels of seats, and its name."""

    key = Text(required=True, validate=pattern(f"^{SECTION_KEY.pattern}$"))
    name = Line(required=True, validate=validate.Length(1, MAX_SECTION_NAME))


class Plan(Shape):
    """Rows, front first: the order in which best-available prefers them. See docs/halls.md for the two formats."""

    format = Whole(validate=validate.OneOf([1, 2]), metadata={"description": "1 if absent."})
    sections = fields.List(fields.Nested(SectionShape), **second())
    rows = fields.List(fields.Nested(PlanRow), required=True, validate=validate.Length(min=1))
    drawing = fields.Dict(keys=Text(), **second(additionalProperties=True))

    @validates_schema
    def of_its_format(self, values: Mapping[str, Any], **_: Any) -> None:
        """Refuse what the plan's format does not have."""
        form = values.get("format", 1)
        faults: dict[str, Any] = {}
        if form == 1:
            faults = {name: [SECOND] for name in ("sections", "drawing") if name in values}
        rows = {index: found for index, row in enumerate(values["rows"]) if (found := _of_other_format(row, form))}
        if rows:
            faults["rows"] = rows
        if faults:
            raise ValidationError(faults)


def _of_other_format(row: Mapping[str, Any], form: int) -> dict[str, Any]:
    """Return the faults of a row that has what plans of its format do not have."""
    if form == 2:
        return {"aisles": ["Format 2 has `aisle` in blocks instead."]} if "aisles" in row else {}
    faults: dict[str, Any] = {"section": [SECOND]} if "section" in row else {}
    if not LETTERS.fullmatch(row["label"]):
        faults["label"] = ["Does not have the required form."]
    blocks = {
        index: {name: [SECOND] for name in extra}
        for index, block in enumerate(row["blocks"])
        if (extra := block.keys() & {"step", "seats", "kind", "aisle"})
    }
    return {**faults, "blocks": blocks} if blocks else faults


class ImportQuery(Shape):
    """An import: the hall's name, if the file has none, or another one; its time zone (IANA; by default the
    installation's); and whether the hall is only shown."""

    name = Line(validate=validate.Length(1, 200))
    time_zone = TimeZone(load_default=None, metadata={"examples": ["Europe/Berlin"]})
    preview = Text(
        load_default="false",
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "true: nothing is stored; the answer has the plan and its counts."},
    )


class ImportedHallAnswer(Shape):
    """A hall that was imported, with its plan, and what its sender should know (`notes`)."""

    id = Whole(required=True)
    name = Text(required=True)
    capacity = Whole(required=True)
    time_zone = Text(required=True, metadata={"description": "IANA, such as Europe/Berlin."})
    notes = fields.List(Text(), required=True)
    plan = fields.Nested(Plan, required=True)


class SectionCount(Shape):
    """The seats and rows of a section; key and name are empty in a hall without sections."""

    key = Text(required=True)
    name = Text(required=True)
    rows = Whole(required=True)
    seats = Whole(required=True)


class HallPreviewAnswer(Shape):
    """What an import would store."""

    name = Text(required=True)
    capacity = Whole(required=True)
    categories = fields.Dict(keys=Text(), values=Whole(), required=True, metadata={"description": "Seats of each."})
    kinds = fields.Dict(keys=Text(), values=Whole(), required=True, metadata={"description": "Places of each."})
    sections = fields.List(fields.Nested(SectionCount), required=True)
    notes = fields.List(Text(), required=True)
    plan = fields.Nested(Plan, required=True)


IMPORT_QUERY = ImportQuery()
IMPORTED_HALL, HALL_PREVIEW = ImportedHallAnswer(), HallPreviewAnswer()
