"""What each buyer asks for: seats in the popular front rows, seats anywhere, or the best available.

Pure and seeded: the same plan and offered seats give the same picks in the same order. Seats that are sold during the
rush are still picked, as in a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ops.rush.plan import KINDS, Plan

#: Share of the rows, counted from the front, that "hot" picks choose from.
HOT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class OfferedSeats:
    """The free seats when the rush begins: labels by row, front row first; and the hall's categories."""

    rows: tuple[tuple[str, ...], ...]
    categories: tuple[str, ...]

    @classmethod
    def read(cls, answer: dict[str, object]) -> OfferedSeats:
        """Read the answer of GET /api/shows/{id}/seats; leave out rows without a free seat."""
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
    """One buyer's request: named seats, or a quantity (of one category, if given)."""

    seats: tuple[str, ...]
    quantity: int
    category: str | None
    hold: bool

    def body(self, show_id: int) -> bytes:
        """Return the JSON body for POST /api/bookings."""
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


def picks(plan: Plan, offered: OfferedSeats) -> Iterator[Pick]:
    """Yield one pick for each buyer of the plan. If no seat is free, all ask for the best available."""
    rng = Random(plan.seed)
    hot = offered.rows[: max(1, round(len(offered.rows) * HOT_SHARE))]
    shares = (plan.mix.hot, plan.mix.random, plan.mix.best)
    for _ in range(plan.buyers):
        kind = rng.choices(KINDS, shares)[0]
        size = rng.randint(*plan.group)
        hold = rng.random() < plan.holds
        if kind == "best" or not offered.rows:
            yield Pick((), size, rng.choice((None, *offered.categories)), hold)
        else:
            seats = _adjacent(rng, hot if kind == "hot" else offered.rows, size)
            yield Pick(seats, len(seats), None, hold)


def _adjacent(rng: Random, rows: Sequence[tuple[str, ...]], size: int) -> tuple[str, ...]:
    """Pick `size` seats that follow each other among a row's free ones, or all of a row that has fewer."""
    row = rng.choice(rows)
    first = rng.randrange(max(1, len(row) - size + 1))
    return row[first : first + size]
