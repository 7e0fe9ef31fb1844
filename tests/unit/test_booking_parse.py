"""What the desk makes of checked values."""

from __future__ import annotations

import hashlib
import json

import pytest
from api.desk import fingerprint


@pytest.mark.parametrize("seats", [(), ("A1",), ("A1", "AB12", "ZZZ9999")])
@pytest.mark.parametrize(("quantity", "category"), [(0, None), (4, None), (2, "front-row_2")])
@pytest.mark.parametrize("hold", [True, False])
def test_a_fingerprint_is_spelled_as_it_was_when_the_first_booking_was_stored(
    seats: tuple[str, ...], quantity: int, category: str | None, hold: bool
) -> None:
    body = {"seats": list(seats), "quantity": quantity, "category": category, "hold": hold}
    first = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]

    assert fingerprint(seats, quantity, category, hold) == first
    assert len({first, *(fingerprint(seats, quantity, category, hold, after_ms) for after_ms in (1, 2))}) == 3
