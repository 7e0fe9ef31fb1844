"""A wish: seats that a Book would take. A Book has one or several, in the order in which it prefers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.errors import UnknownVersion, Unreadable

#: The most seats that one wish may ask for, and the most wishes of a Book; the api allows fewer.
MAX_SEATS, MAX_WISHES = 100, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The named seats, or `quantity` of the best available.

    Of `category`, and at a price from `min_price_cents` to `max_price_cents` each, if these are given; `accessible`:
    places for wheelchairs and companions, and otherwise none of these. `together`: adjacent, or not at all.
    `expected_amount_cents`: what the buyer was told that they cost together. If they cost something else, the Book
    fails, and no further wish is tried.
    """

    seats: tuple[str, ...] = ()
    quantity: int = 0
    category: str | None = None
    min_price_cents: int = 0
    max_price_cents: int | None = None
    accessible: bool = False
    together: bool = False
    expected_amount_cents: int | None = None

    @property
    def wanted(self) -> int:
        """Return how many seats it asks for."""
        return len(self.seats) or self.quantity

    def to_json(self) -> dict[str, Any]:
        """Return a dict of plain values, which `read` reads. What has its default is left out."""
        values = {name: getattr(self, name) for name in _DEFAULTS}
        return {name: value for name, value in values.items() if value != _DEFAULTS[name]}


def _is_cents(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Wish)}
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "seats": lambda value: len(value) <= MAX_SEATS and set(map(type, value)) <= {str},
    "quantity": lambda value: type(value) is int and 0 <= value <= MAX_SEATS,
    "category": lambda value: value is None or type(value) is str,
    "min_price_cents": _is_cents,
    "max_price_cents": lambda value: value is None or _is_cents(value),
    "accessible": lambda value: type(value) is bool,
    "together": lambda value: type(value) is bool,
    "expected_amount_cents": lambda value: value is None or _is_cents(value),
}


def read(values: Mapping[str, Any]) -> Wish:
    """Read what `to_json` wrote.

    Raises: UnknownVersion: it has a field that this version does not know.   Unreadable: it is no wish.
    """
    if not values.keys() <= _DEFAULTS.keys():
        raise UnknownVersion
    wish = Wish(**{**values, "seats": tuple(values.get("seats", ()))})
    for name, valid in _CHECKS.items():
        if not valid(getattr(wish, name)):
            raise Unreadable(f"A wish's {name} is not valid.")
    if not wish.wanted:
        raise Unreadable("A wish asks for no seats.")
    return wish
