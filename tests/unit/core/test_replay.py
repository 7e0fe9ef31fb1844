"""The replay of a journal: rows by older versions, and rows whose outcome depends on what only the worker knew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.journal import JournalRow, Replay
from core.operations import StreamId
from core.shows import Show
from tests.support.lane import ALICE, EXTENSION, SHOW, Lane

BOOKING = UUID(int=SHOW << 96 | 1)
BOOK = {"v": 1, "kind": "BOOK", "booking_id": str(BOOKING), "show_id": SHOW, "user_id": str(ALICE),
        "fingerprint": "f", "seats": ["B1"]}  # fmt: skip
CANCEL = {"v": 1, "kind": "CANCEL", "booking_id": str(BOOKING), "show_id": SHOW, "user_id": str(ALICE)}


def row(seq: int, operation: dict[str, Any], outcome: str, reason: str | None = None, **decision: Any) -> JournalRow:
    """Return a row of the journal, decided 40 s after it was accepted."""
    changes = {"version": seq, "status": outcome, "seats": [], "amount_cents": 0, "expires_ms": None, **decision}
    return JournalRow(
        lane=0,
        seq=seq,
        epoch="e",
        id=StreamId(2_000 + seq, 0),
        part=0,
        kind=operation["kind"],
        show_id=SHOW,
        booking_id=BOOKING,
        outcome=outcome,
        reason=reason,
        operation=operation,
        decision=changes,
        decided_ms=42_000,
    )


def violations(*rows: JournalRow) -> list[str]:
    return replayed(*rows).violations


def replayed(*rows: JournalRow, extension_ms: int = EXTENSION) -> Replay:
    fresh = Lane(hold_extension_ms=extension_ms).state.show
    replay = Replay(0, lambda _: Show(SHOW, fresh.hall, fresh.settings))
    for each in rows:
        replay.feed(each)
    replay.end()
    return replay


SOLD: dict[str, Any] = {"seats": ["B1"], "amount_cents": 1000}


def test_a_queued_booking_that_an_older_version_sold_and_then_cancelled_replays() -> None:
    """Older versions did not check for withdrawals: a Book was decided before its Cancel."""
    book = row(1, BOOK, "CONFIRMED", **SOLD)

    assert violations(book, row(2, CANCEL, "CANCELLED", **SOLD)) == []


def test_a_withdrawn_booking_replays_by_its_recorded_outcome() -> None:
    assert violations(row(1, BOOK, "CANCELLED"), row(2, CANCEL, "UNCHANGED", status="CANCELLED")) == []
    assert violations(row(1, BOOK, "CANCELLED")) == []  # its Cancel is in the lane still


@pytest.mark.parametrize("wrong", [
    row(1, BOOK, "CANCELLED", **SOLD),
    row(1, BOOK, "CANCELLED", reason="SOLD_OUT"),
    row(1, BOOK, "CANCELLED", version=2),
])  # fmt: skip
def test_a_withdrawn_booking_with_anything_but_no_seats_is_a_violation(wrong: JournalRow) -> None:
    assert len(violations(wrong)) == 1


@pytest.mark.parametrize("more", [{}, {"give_up_after_ms": 39_998}, {"give_up_after_ms": 39_999}])
def test_a_booking_that_expired_in_its_queue_replays(more: dict[str, Any]) -> None:
    """By its own deadline, or by a worker's setting, which only the outcome shows."""
    assert violations(row(1, BOOK | more, "FAILED", "EXPIRED_IN_QUEUE")) == []


def test_a_journal_from_before_prices_per_seat_and_settings_of_extension_replays() -> None:
    """Its rows have neither `released` nor `extended`, its settings no `hold_extension_ms`."""
    settings = Lane(hold_extension_ms=0).state.show.settings.to_json()
    change = {"v": 1, "kind": "CHANGE_SHOW", "show_id": SHOW, "changes": {"seats_per_user": 3}}
    done = replace(row(2, change, "DONE"), booking_id=None, decision={"settings": settings | {"seats_per_user": 3}})

    replay = replayed(row(1, BOOK, "CONFIRMED", **SOLD), done, extension_ms=0)

    assert "hold_extension_ms" not in settings
    assert replay.violations == []
    assert replay.states[SHOW].bookings[BOOKING].seat_prices_cents == ()


def test_a_booking_that_was_sold_after_its_deadline_is_a_violation() -> None:
    assert len(violations(row(1, BOOK | {"give_up_after_ms": 39_998}, "CONFIRMED", **SOLD))) == 1
    assert violations(row(1, BOOK | {"give_up_after_ms": 39_999}, "CONFIRMED", **SOLD)) == []
