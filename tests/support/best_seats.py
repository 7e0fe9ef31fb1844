"""Best available, for tests of halls."""

from __future__ import annotations

from collections.abc import Iterable

from core.halls import Hall
from core.seats import FreeSeats, Pick


def best_seats(
    hall: Hall, quantity: int, category: str | None = None, taken: Iterable[str] = ()
) -> tuple[str, ...] | None:
    """Return the best `quantity` seats of a hall (of one category, if given) while some are taken."""
    return FreeSeats(hall, taken).best(quantity, Pick.of(category))
