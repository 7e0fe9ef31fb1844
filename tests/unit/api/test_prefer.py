"""The header Prefer, RFC 7240."""

from __future__ import annotations

import pytest

from api.bookings.booked_at_once import preferred_wait_s


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0), ("", 0), ("wait=5", 5), ("WAIT = 5", 5), ('wait="5"', 5), ("wait=5; x=1", 5), ("wait=0", 0),
        ("respond-async, wait=5", 5), ("wait=5, wait=7", 5), ("return=minimal", 0), ("wait", 0), ("wait=", 0),
        ("wait=-1", 0), ("wait=1.5", 0), ("wait=abc", 0), ("waiting=5", 0), ("wait=600", 20), ("wait=٣", 0),
    ],
)  # fmt: skip
def test_the_wait_that_is_preferred(prefer: str | None, seconds: int) -> None:
    assert preferred_wait_s(prefer, 20.0) == seconds
