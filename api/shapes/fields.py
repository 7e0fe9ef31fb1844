"""Marshmallow fields as strict as JSON itself: "1" and 1.0 are not integers, "yes" is not a boolean.

Text rejects what Postgres or UTF-8 cannot represent. Every schema of the API is built of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from core.seat_labels import CATEGORY
from core.texts import composed, shows_something, visible
from core.time_zones import is_known
from core.times import to_ms

#: Ten seats, the most in one booking, at this price still fit a 32 bit integer of cents.
MAX_PRICE_CENTS = 100_000_000
MAX_CATEGORIES = 50
#: The rules of `Prices` in JSON Schema, for the OpenAPI document.
PRICES = {
    "description": "Cents by category.",
    "additionalProperties": {"type": "integer", "minimum": 0, "maximum": MAX_PRICE_CENTS},
    "propertyNames": {"pattern": f"^{CATEGORY.pattern}$"},
    "minProperties": 1,
    "maxProperties": MAX_CATEGORIES,
}
_DIGITS = re.compile(r"[0-9]{1,15}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
#: Characters of RFC 3986.
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Text(fields.String):
    """A string without NUL and lone surrogates, which Postgres and UTF-8 cannot represent."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a string.")
        if "\x00" in value or not _is_unicode(value):
            raise ValidationError("Contains a character that cannot be stored.")
        return value


class Line(Text):
    """A name or a title: trimmed and composed (NFC). Empty, or with at least one visible character."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return visible(text) if text else ""
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Address(Text):
    """An e-mail address: trimmed and composed (NFC)."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        return composed(super()._deserialize(value, attr, data, **kwargs)).strip()


class NewPassword(Text):
    """A new password: composed (NFC), with at least one visible character."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = composed(super()._deserialize(value, attr, data, **kwargs))
        if text and not shows_something(text):
            raise ValidationError("Nothing of it can be seen.")
        return text


class Whole(fields.Integer):
    """A JSON number without a fraction: not 1.0, not "1", not true."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise ValidationError("Not an integer.")
        return value


class Digits(fields.Integer):
    """A non-negative integer in a query string: decimal digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError("Not an integer.")
        return int(value)


class Flag(fields.Boolean):
    """A JSON boolean: true or false, nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if value is not True and value is not False:
            raise ValidationError("Not a boolean.")
        return value


class Instant(fields.Field[int]):
    """An ISO 8601 time with its offset, loaded as whole milliseconds since 1970, UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        try:
            instant = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("Not an ISO 8601 time, such as 2030-01-31T19:30:00Z.") from None
        if instant.tzinfo is None:
            raise ValidationError("The time needs its offset from UTC, such as Z or +02:00.")
        if not _EARLIEST <= instant < _LATEST:
            raise ValidationError("Not between the years 2000 and 2200.")
        return to_ms(instant)


class Day(fields.Date):
    """A day, as 2030-01-31."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        try:
            if not isinstance(value, str) or not _DAY.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError("Not a day, such as 2030-01-31.") from None


class TrueFalse(fields.Boolean):
    """A boolean in a query string: true or false."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(truthy={"true"}, falsy={"false"}, **kwargs)


class WebAddress(Text):
    """The address of a picture or page elsewhere: http or https, as a browser requests it; no user and password."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
            if not text or (_URL.fullmatch(text) and parts.hostname and "@" not in parts.netloc and parts.port != 0):
                return text
        except ValueError:  # a port that is none, a bracket that is not closed
            pass
        raise ValidationError("Not an address, such as https://example.com/poster.jpg.")


class TimeZone(Text):
    """A time zone by its IANA name: Europe/Berlin."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not is_known(name):
            raise ValidationError("Not a time zone of the IANA database, such as Europe/Berlin.")
        return name


class Prices(fields.Field[dict[str, int]]):
    """A price in cents for each category: {"premium": 1800, "standard": 1200}."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[str, int]:
        if not isinstance(value, dict) or not 1 <= len(value) <= MAX_CATEGORIES:
            raise ValidationError(f"Not an object of 1 to {MAX_CATEGORIES} prices by category.")
        faults: dict[str, list[str]] = {}
        for category, cents in value.items():
            if not CATEGORY.fullmatch(category):
                faults[category] = ["A category is a short lower-case word."]
            elif type(cents) is not int or not 0 <= cents <= MAX_PRICE_CENTS:
                faults[category] = [f"A price is a whole number of cents, 0 to {MAX_PRICE_CENTS}."]
        if faults:
            raise ValidationError(faults)
        return dict(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
