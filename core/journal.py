"""The journal's rows, and their replay, which decides everything again and compares the decisions.

What `decide` reads of a show is changed only by the operations of its lane. So replaying a lane's journal from the
shows' initial settings must give every recorded decision again, and in the end every booking and every seat's owner.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.bookings import Booking, Decision, Outcome, Reason, Verdict
from core.decide import decide, fail
from core.errors import OnsaleError
from core.operations import Kind, StreamId, load_entry
from core.seat_owners import Owners
from core.shows import Show
from core.state import ShowState
from core.times import STEP_MS


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One decision as recorded (schema.sql, table journal)."""

    lane: int
    seq: int
    epoch: str
    id: StreamId
    part: int
    kind: str
    show_id: int
    booking_id: UUID | None
    outcome: str
    reason: str | None
    operation: dict[str, Any]
    decision: dict[str, Any]
    decided_ms: int

    @property
    def verdict(self) -> Verdict | None:
        """What the worker knew about a Book apart from the show's state, derived from the outcome."""
        if self.kind == Kind.BOOK and self.outcome == Outcome.CANCELLED:
            return Verdict.WITHDRAWN
        return Verdict.OVERDUE if self.reason == Reason.EXPIRED_IN_QUEUE else None

    def decided(self) -> tuple[Any, ...]:
        """Return the values that the replay must give again."""
        return (self.part, self.kind, self.booking_id, self.outcome, self.reason, self.decision)


class Replay:
    """Replays one lane. Feed its rows in order of seq; `violations` lists, in words, what does not match.

    `homeless`: bookings of shows that do not exist, by id; they have no ShowState.
    """

    def __init__(self, lane: int, show: Callable[[int], Show | None]) -> None:
        """`show`: returns a show by its id, with its initial settings; None if it does not exist."""
        self.lane = lane
        self.violations: list[str] = []
        self.states: dict[int, ShowState] = {}
        self.homeless: dict[UUID, Booking] = {}
        self._show = show
        self._seq = 0
        self._decided_ms = 0
        self._last: dict[str, StreamId] = {}
        self._rows: list[JournalRow] = []

    def feed(self, row: JournalRow) -> None:
        """Replay the next row. An operation's rows follow each other: its own decision (part 0) and its effects."""
        if row.seq != self._seq + 1:
            self._report(row, f"has number {row.seq} after {self._seq}")
        self._seq = row.seq
        if self._decided_ms - STEP_MS <= row.decided_ms < self._decided_ms:  # further back: the clock was set
            self._report(row, "was decided before the row ahead of it")
        self._decided_ms = row.decided_ms
        if self._rows and (self._rows[-1].epoch, self._rows[-1].id) != (row.epoch, row.id):
            self.end()
        self._rows.append(row)

    def end(self) -> None:
        """Replay the last operation. Call this after the last row."""
        rows, self._rows = self._rows, []
        own = [row for row in rows if row.part == 0]
        if own:
            self._compare(own[0], rows)
        elif rows:
            self._report(rows[-1], "belongs to an operation that has no decision of its own")

    def _compare(self, row: JournalRow, rows: list[JournalRow]) -> None:
        """Decide one operation again, and compare the result with its rows. `row`: its own decision."""
        if row.id <= self._last.get(row.epoch, StreamId(0, 0)):
            self._report(row, f"was accepted before {self._last[row.epoch]}, and decided after it")
        self._last[row.epoch] = row.id
        try:
            decisions = self._decide(row)
        except (OnsaleError, KeyError, AssertionError) as error:
            self._report(row, f"cannot be replayed: {error!r}")
            return
        replayed = [_decided(decision) for decision in decisions]
        recorded = [recorded.decided() for recorded in rows]
        if replayed != recorded:
            self._report(row, f"says {recorded}, and its replay {replayed}")

    def _decide(self, row: JournalRow) -> list[Decision]:
        payload = json.dumps(row.operation)
        entry = load_entry(row.id, 0, payload)
        state = self._state(row.show_id)
        if state is not None and row.reason != Reason.INTERNAL:
            return decide(state, entry, row.decided_ms, row.verdict)
        reason = Reason.NO_SUCH_SHOW if state is None else Reason.INTERNAL
        decisions, booking = fail(state, entry, row.decided_ms, reason)
        if booking is not None and state is None:
            self.homeless[booking.id] = booking
        return decisions

    def _state(self, show_id: int) -> ShowState | None:
        if show_id not in self.states:
            show = self._show(show_id)
            if show is None:
                return None
            self.states[show_id] = ShowState(show, owners=Owners(whole=True), bookings=(), held=0, sold=0)
        return self.states[show_id]

    def _report(self, row: JournalRow, what: str) -> None:
        self.violations.append(f"journal lane {row.lane} seq {row.seq} ({row.epoch} {row.id}) {what}")


def _decided(decision: Decision) -> tuple[Any, ...]:
    """Return a decision's values in the form of JournalRow.decided."""
    reason = decision.reason.value if decision.reason else None
    changes = json.loads(json.dumps(decision.changes))
    return (decision.part, decision.kind.value, decision.booking_id, decision.outcome.value, reason, changes)
