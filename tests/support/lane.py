"""A show's lane in memory: `core.decide` called directly, with the test's own clock."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

from core import ids
from core.bookings import Decision, Reason, Status, Verdict
from core.decide import decide
from core.halls import Hall
from core.operations import Book, Cancel, Confirm, Entry, Extend, Operation, Release, StreamId, dump
from core.seat_owners import Owners
from core.shows import Show, ShowSettings
from core.state import ShowState
from proof.kit.shows import plan

SHOW = 7


ALICE, BOB = UUID(int=1), UUID(int=2)


OPEN, STARTS = 1_000, 1_000_000


HOLD = 120_000
EXTENSION = 30_000


class Lane:
    """A show's state and a clock; each call decides one operation, accepted at `now` (milliseconds)."""

    def __init__(self, rows: int = 2, seats: int = 5, **changes: Any) -> None:
        hall = Hall.from_plan(1, plan(rows, seats, premium=1))
        values = {
            "sales_open_ms": OPEN,
            "sales_close_ms": STARTS,
            "starts_ms": STARTS,
            "seats_per_user": 6,
            "hold_ms": HOLD,
            "prices": {"standard": 1000, "premium": 1500},
            "hold_extension_ms": EXTENSION,
            **changes,
        }
        show = Show(SHOW, hall, ShowSettings(**values))
        self.state = ShowState(show, owners=Owners(whole=True), bookings=(), held=0, sold=0)
        self.now = OPEN
        self._numbers = itertools.count(1)

    def take(
        self, operation: Operation, decided_ms: int | None = None, verdict: Verdict | None = None
    ) -> list[Decision]:
        entry = Entry(StreamId(self.now, next(self._numbers)), 0, dump(operation), operation)
        return decide(self.state, entry, decided_ms or self.now, verdict)

    def book(self, *seats: str, user: UUID = ALICE, key: str | None = None, **more: Any) -> UUID:
        id_ = ids.booking_id(b"k" * 32, SHOW, user, key or f"key {next(self._numbers)}")
        self.take(Book(booking_id=id_, show_id=SHOW, user_id=user, fingerprint="f", seats=seats, **more))
        return id_

    def confirm(self, id_: UUID, user: UUID = ALICE) -> Decision:
        return self.take(Confirm(booking_id=id_, show_id=SHOW, user_id=user))[-1]

    def cancel(self, id_: UUID, user: UUID = ALICE) -> Decision:
        return self.take(Cancel(booking_id=id_, show_id=SHOW, user_id=user))[-1]

    def extend(self, id_: UUID, user: UUID = ALICE) -> Decision:
        return self.take(Extend(booking_id=id_, show_id=SHOW, user_id=user))[-1]

    def release(self, id_: UUID, *seats: str, user: UUID = ALICE) -> Decision:
        return self.take(Release(booking_id=id_, show_id=SHOW, user_id=user, seats=seats))[-1]

    def status(self, id_: UUID) -> tuple[Status, Reason | None]:
        booking = self.state.bookings[id_]
        return booking.status, booking.reason

    def counted(self) -> tuple[int, int]:
        return self.state.held, self.state.sold
