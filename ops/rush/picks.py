"""What each buyer wants: seats in the hot front rows, seats anywhere, or the best available.

Pure and seeded: the same seed, plan and seat map give the same picks in the same order. Never looks at
what is free by now; buyers in a rush do not either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ops.rush.plan import KINDS, Plan

#: The front rows everybody wants: this share of the rows.
HOT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class SeatMap:
    """The seats on offer when the rush begins: labels by row, front first, and the categories."""

    rows: tuple[tuple[str, ...], ...]
    categories: tuple[str, ...]

    @classmethod
    def read(cls, answer: dict[str, object]) -> SeatMap:
        """Read the answer of GET /api/shows/{id}/seats; rows without a free seat are left out."""
        rows: list[tuple[str, ...]] = []
        categories: dict[str, None] = {}
        read = answer["rows"]
        assert isinstance(read, list)
        for row in read:
            free = tuple(seat["label"] for seat in row["seats"] if seat["status"] == "AVAILABLE")
            categories.update(dict.fromkeys(seat["category"] for seat in row["seats"]))
            if free:
                rows.append(free)
        return cls(tuple(rows), tuple(categories))


@dataclass(frozen=True, slots=True)
class Pick:
    """What one buyer asks for: named seats, or a quantity (of a category, if any)."""

    seats: tuple[str, ...]
    quantity: int
    category: str | None
    hold: bool

    def body(self, show_id: int) -> bytes:
        """The JSON of POST /api/bookings."""
        wanted: dict[str, object] = {"show_id": show_id}
        if self.seats:
            wanted["seats"] = self.seats
        else:
            wanted["quantity"] = self.quantity
            if self.category is not None:
                wanted["category"] = self.category
        if self.hold:
            wanted["hold"] = True
        return json.dumps(wanted, separators=(",", ":")).encode()


def picks(plan: Plan, seat_map: SeatMap) -> Iterator[Pick]:
    """One pick for each buyer of the plan. With no seat left on the map all ask for the best available."""
    rng = Random(plan.seed)
    hot = seat_map.rows[: max(1, round(len(seat_map.rows) * HOT_SHARE))]
    shares = (plan.mix.hot, plan.mix.random, plan.mix.best)
    for _ in range(plan.buyers):
        kind = rng.choices(KINDS, shares)[0]
        size = rng.randint(*plan.group)
        hold = rng.random() < plan.holds
        if kind == "best" or not seat_map.rows:
            yield Pick((), size, rng.choice((None, *seat_map.categories)), hold)
        else:
            seats = _beside(rng, hot if kind == "hot" else seat_map.rows, size)
            yield Pick(seats, len(seats), None, hold)


def _beside(rng: Random, rows: Sequence[tuple[str, ...]], size: int) -> tuple[str, ...]:
    """Up to `size` seats beside each other in one row; fewer if the row has no more."""
    row = rng.choice(rows)
    first = rng.randrange(max(1, len(row) - size + 1))
    return row[first : first + size]
