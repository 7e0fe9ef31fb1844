"""Parsing a request for seats, with and without the schema; and the text that is hashed into a fingerprint."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from api.bookings.parse import fingerprint, usual_request
from api.shapes.requests import BOOKING_REQUEST

LABELS = st.one_of(
    st.sampled_from(["A1", "AAA9999", "a1", "A", "1", "A1\n", "Å1", "AAAA1", "A12345"]), st.text(max_size=5)
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 12),
    st.sampled_from([3_600_000, 3_600_001]),
    st.floats(),
    st.text(max_size=3),
    st.lists(LABELS, max_size=12),
)
BODIES = st.dictionaries(
    st.sampled_from(["show_id", "seats", "quantity", "category", "hold", "give_up_after_ms", "more"]),
    VALUES,
    max_size=6,
)


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


@pytest.mark.parametrize("asked", [{"seats": ["A1"]}, {"quantity": 2}])
@pytest.mark.parametrize("more", [{}, {"hold": True}, {"give_up_after_ms": 1}, {"give_up_after_ms": 3_600_000}])
def test_usual_bodies_skip_the_schema(asked: dict[str, Any], more: dict[str, Any]) -> None:
    body = {"show_id": 1, **asked, **more}

    assert usual_request(json.dumps(body).encode()) == {"hold": False, **body}


@given(
    BODIES
    | st.builds(lambda seats, more: {"show_id": 1, "seats": seats, **more}, st.lists(LABELS, max_size=11), BODIES)
    | st.builds(lambda after_ms: {"show_id": 1, "quantity": 2, "give_up_after_ms": after_ms}, VALUES)
)
def test_bodies_that_skip_the_schema_parse_as_with_it(body: dict[str, Any]) -> None:
    asked = usual_request(json.dumps(body).encode())

    if asked is not None:
        try:
            loaded = BOOKING_REQUEST.load(body)
        except ValidationError as error:
            raise AssertionError(f"{body} is not usual: {error}") from error
        assert asked == loaded
