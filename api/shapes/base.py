"""What every shape is built of: the base class, and the validator of patterns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, validate


class Shape(Schema):
    """Base of all shapes: rejects unknown fields."""

    #: The rules of a `validates_schema` as keywords of JSON Schema, for the OpenAPI document.
    RULES: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


def pattern(text: str) -> validate.Regexp:
    """Return a validator that matches the whole text. (Python's $ would let a trailing line feed pass.)"""
    return validate.Regexp(text.removesuffix("$") + r"\Z", error="Does not have the required form.")
