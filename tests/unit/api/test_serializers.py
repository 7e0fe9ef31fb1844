"""Answers have the shape that the document promises."""

from __future__ import annotations

from uuid import UUID

import pytest

from api.bookings.status_body import listed
from api.shapes import answers
from core.bookings import Booking, Reason, Status
from core.ids import booking_id, reference

ALICE = UUID("a11ce000-0000-4000-8000-000000000001")
ID = booking_id(b"s" * 32, 7, ALICE, "a key")


def booking(status: Status, **changes: object) -> Booking:
    return Booking(
        id=ID,
        show_id=7,
        user_id=ALICE,
        status=status,
        reason=None,
        fingerprint="f",
        seats=("A1", "A2"),
        amount_cents=3600,
        version=1,
        last_operation={"kind": "BOOK", "accepted_ms": 1_700_000_000_001, "outcome": "HELD", "reason": None},
        accepted_ms=1_700_000_000_001,
        decided_ms=1_700_000_000_020,
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "one",
    [
        booking(Status.PENDING, expires_ms=1_700_000_120_020),
        booking(Status.CONFIRMED, confirmed_ms=1_700_000_000_020),
        booking(Status.CANCELLED, replaced_by=ALICE),
    ],
    ids=lambda one: one.status.value,
)
def test_a_booking_has_the_promised_shape(one: Booking) -> None:
    answers.BOOKING_STATUS.load(listed(one))


def test_a_hold_shows_its_deadline() -> None:
    body = listed(booking(Status.PENDING, expires_ms=1_700_000_120_020))

    assert (body["status"], body["stage"], body["position"]) == ("PENDING", "HELD", None)
    assert body["expires_at"] == "2023-11-14T22:15:20.020Z"
    assert body["reference"] == reference(ID)
    assert body["last_operation"]["accepted_at"] == "2023-11-14T22:13:20.001Z"


def test_a_failed_booking_shows_its_reason() -> None:
    failed = booking(Status.FAILED)
    failed.reason, failed.seats = Reason.SEAT_TAKEN, ()

    body = listed(failed)

    answers.BOOKING_STATUS.load(body)
    assert (body["status"], body["stage"], body["reason"]) == ("FAILED", None, "SEAT_TAKEN")
