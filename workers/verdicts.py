"""Verdicts: reasons to fail a queued Book that its worker knows and its show's state does not."""

from __future__ import annotations

from collections.abc import Set

from core.bookings import Verdict
from core.operations import Book, Entry, Operation
from core.settings import Settings


def is_withdrawn(operation: Operation, withdrawn: Set[str]) -> bool:
    """Return whether it is a Book whose Cancel is in the lane. `withdrawn`: hex ids, from db/kv/lua/peek.lua."""
    return bool(withdrawn) and isinstance(operation, Book) and operation.booking_id.hex in withdrawn


def of(entry: Entry, withdrawn: Set[str], now_ms: int, settings: Settings) -> Verdict | None:
    """Return the verdict on one entry; None if the show's state decides. `now_ms`: Redis's clock.

    Not the batch's decided time, which stays ahead after the clock was ahead for a moment: every Book would be
    overdue.
    """
    if is_withdrawn(entry.operation, withdrawn):
        return Verdict.WITHDRAWN
    overdue = 0 < settings.fail_pending_after_s * 1000 < now_ms - entry.accepted_ms
    return Verdict.OVERDUE if overdue else None
