"""Who had a seat and when, from recorded decisions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.seat_history import BookingDecision, ownerships

A, B = UUID(int=1), UUID(int=2)


def decision(seq: int, booking: UUID, status: str | None, *seats: str, kind: str = "BOOK") -> BookingDecision:
    changes: dict[str, Any] = {"status": status, "seats": list(seats)} if status else {}
    return BookingDecision(0, seq, 0, kind, booking, "X", None, changes, seq, 10 * seq, seq)


def told(label: str, *decisions: BookingDecision) -> list[tuple[UUID, str, int, int | None, str | None]]:
    found = ownerships(label, decisions)
    return [
        (each.booking_id, each.status, each.from_ms, each.until_ms, each.ended_by.kind if each.ended_by else None)
        for each in found
    ]


def test_a_hold_a_sale_a_cancel_and_the_next_owner() -> None:
    assert told(
        "B12",
        decision(1, A, "PENDING", "B11", "B12"),
        decision(2, A, "CONFIRMED", "B11", "B12", kind="CONFIRM"),
        decision(3, A, "CANCELLED", "B11", "B12", kind="CANCEL"),
        decision(4, B, "CONFIRMED", "B12"),
    ) == [(A, "HELD", 10, 20, "CONFIRM"), (A, "CONFIRMED", 20, 30, "CANCEL"), (B, "CONFIRMED", 40, None, None)]


def test_a_hold_that_lapsed_ends_with_its_expiry_and_the_next_begins_then() -> None:
    assert told(
        "B12",
        decision(1, A, "PENDING", "B12"),
        decision(2, A, "FAILED", "B12", kind="EXPIRE"),
        decision(3, B, "PENDING", "B12"),
    ) == [(A, "HELD", 10, 20, "EXPIRE"), (B, "HELD", 30, None, None)]


def test_a_seat_that_left_a_booking_that_goes_on_is_not_its_any_more() -> None:
    decisions = (decision(1, A, "CONFIRMED", "B11", "B12"), decision(2, A, "CONFIRMED", "B11", kind="RELEASE"))

    assert told("B12", *decisions) == [(A, "CONFIRMED", 10, 20, "RELEASE")]
    assert told("B11", *decisions) == [(A, "CONFIRMED", 10, None, None)]


def test_what_changed_nothing_ends_nothing() -> None:
    assert told(
        "B12",
        decision(1, A, "CONFIRMED", "B12"),
        decision(2, A, None, kind="CONFIRM"),
        decision(3, A, "CONFIRMED", "B12", kind="CONFIRM"),
    ) == [(A, "CONFIRMED", 10, None, None)]


def test_a_booking_that_failed_never_had_it() -> None:
    assert told("B12", decision(1, A, "FAILED"), decision(2, A, None)) == []
