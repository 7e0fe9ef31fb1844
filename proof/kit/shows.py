"""What proofs and tests sell: plans of halls."""

from __future__ import annotations

from typing import Any

HOUR_MS = 3_600_000


def plan(rows: int, seats: int, premium: int = 0) -> dict[str, Any]:
    """Return a hall's plan of equal rows A, B, ...; the first `premium` rows are of that category."""
    return {
        "rows": [
            {
                "label": chr(ord("A") + number),
                "blocks": [{"first": 1, "last": seats, "category": "premium" if number < premium else "standard"}],
            }
            for number in range(rows)
        ]
    }
