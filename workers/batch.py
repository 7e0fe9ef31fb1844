"""One batch of a lane: one transaction - lock, load, decide, record; COMMIT - and then publish.

The order is the safety (docs/locking.md): the lane's row first, the lane's entries after it, the shows' rows,
what depends on them in later statements, nothing published before COMMIT has returned, nothing trimmed before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from uuid import UUID

import redis
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from core import logs
from core.bookings import Booking, Decision, Outcome, Reason, Status, Verdict
from core.crash_points import point
from core.decide import decide, fail
from core.errors import (
    LaneStopped,
    OnsaleError,
    PostgresUnavailable,
    PostgresWentBack,
    SeatConflict,
    UnknownVersion,
    Unreadable,
)
from core.operations import Book, Entry, StreamId, load_entry
from core.state import ShowState
from core.times import decided_ms
from db.kv import lanes
from db.kv.lanes import Peeked
from db.postgres import bookings, fences, journal, seats, shows
from db.postgres.engine import refuses_values, transaction
from db.postgres.fences import Fence
from db.postgres.seats import SeatChange
from db.postgres.shows import ShowRow
from workers import clocks, metrics, taken_seats, verdicts
from workers.load_state import keep
from workers.load_state import load as load_states
from workers.stores import Stores

log = logs.logger(__name__)
_levels = logging.getLogger(__name__)

#: So many operations in a row that cannot be decided look like a bug of ours, not like bad operations.
POISON_IN_A_ROW = 3
#: What bad values, or a bug that they bring to light, raise. Anything else says nothing about the operations.
BAD_VALUES = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


class Poison(OnsaleError):
    """One of the batch's operations cannot be decided or recorded. `head`: the batch's first entry."""

    code = "poison"

    def __init__(self, message: str, head: StreamId | None = None) -> None:
        super().__init__(message)
        self.head = head


@dataclass
class Batch:
    """One batch, from what was read to what must be published. Entries up to `upto` leave the lane."""

    fence: Fence
    upto: StreamId
    ticket: int
    #: Hex ids of queued bookings whose Cancel is in the lane.
    withdrawn: frozenset[str] = frozenset()
    fresh: list[Entry] = field(default_factory=list)
    again: list[Entry] = field(default_factory=list)
    unreadable: list[tuple[StreamId, str]] = field(default_factory=list)
    rows: dict[int, ShowRow] = field(default_factory=dict)
    states: dict[int, ShowState] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    #: FAILED bookings that no state holds: their show is unknown.
    homeless: list[Booking] = field(default_factory=list)
    #: Bookings decided by an earlier batch whose publication did not happen.
    stored: list[Booking] = field(default_factory=list)
    #: Per show the seats whose state has changed; of shows whose taken seats the door is to be told all of them
    #: (core/taken_seats.py).
    taken: dict[int, dict[int, int]] = field(default_factory=dict)
    all_taken: dict[int, bytes] = field(default_factory=dict)
    #: Of shows without a free seat: when their first hold ends, ms.
    first_deadlines: dict[int, int] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many entries leave the lane."""
        return len(self.fresh) + len(self.again) + len(self.unreadable)


def run_batch(stores: Stores, lane: int, limit: int, *, poison: Poison | None = None) -> Batch | None:
    """Decide and commit up to `limit` entries from the lane's head; None if it is empty. Publishes nothing.

    Args:    poison: why its head entry (limit 1) cannot be decided; if it still is the head, it is set aside.
    Raises:  LaneBusy, PostgresUnavailable, redis-py's errors: nothing is lost, come again.  Poison: try a smaller
             batch.  UnknownVersion: the head is for a newer worker.  LaneStopped.
    Locks:   lanes(lane) FOR UPDATE NOWAIT, then shows(id) FOR UPDATE in id order.
    Repeat:  safe. What is committed but still in the lane is found decided, and only published again.
    """
    started = time.perf_counter()
    head: StreamId | None = None
    try:
        with transaction(stores.engine) as connection:
            fence = fences.lock(connection, lane)
            point("W2", PostgresUnavailable)
            peeked = _peek(stores, fence, limit)
            if not peeked.entries:
                return None
            head = peeked.entries[0][0]
            batch = _read(connection, fence, peeked)
            _decide(stores, connection, batch, peeked.time_ms, poison)
            deciding_s = time.perf_counter() - started
            point("W3")
            _record(connection, batch, peeked.entries)
            batch.taken = {id_: taken_seats.changed(state) for id_, state in batch.states.items()}
            batch.all_taken = taken_seats.read(connection, stores.untold, batch.states)
            point("W3b", PostgresUnavailable)
            recorded = time.perf_counter()
        point("W4", PostgresUnavailable)
    except (DBAPIError, *BAD_VALUES, SeatConflict, Poison) as error:
        if isinstance(error, SeatConflict):
            log.error("seat_conflict", lane=lane, error=str(error))
        if not isinstance(error, DBAPIError) or refuses_values(error):
            raise Poison(_brief(error), head) from error
        raise
    keep(stores.seat_maps, batch.states, batch.rows)
    metrics.batch(batch.entries, batch.decisions, deciding_s, time.perf_counter() - recorded)
    return batch


def _peek(stores: Stores, fence: Fence, limit: int) -> Peeked:
    """Read the lane's head, after its row is locked (rule 2). Raises: PostgresWentBack."""
    peeked = lanes.peek(stores.client, fence.lane, limit)
    point("W2b", redis.ConnectionError)
    if peeked.seq > fence.seq:
        raise PostgresWentBack
    clocks.compare(stores, peeked.time_ms, fence.now_ms)
    return peeked


def _brief(error: Exception) -> str:
    """The error in a few words; a bare KeyError would say the key alone."""
    says = str(getattr(error, "orig", error))
    return f"{type(error).__name__}: {says}" if isinstance(error, BAD_VALUES) else says


def _read(connection: Connection, fence: Fence, peeked: Peeked) -> Batch:
    """Sort the head's entries: decided before, to be decided, unreadable. Stops before a newer version."""
    if peeked.epoch != fence.epoch:
        # Redis lives anew (or again): what of this epoch was decided stands in the journal.
        last = journal.last_of_epoch(connection, fence.lane, peeked.epoch)
        fence = replace(fence, epoch=peeked.epoch, last=last)
    batch = Batch(fence, StreamId(0, 0), 0, peeked.withdrawn)
    before = [id_ for id_, _, _ in peeked.entries if id_ <= fence.last]
    decided = journal.decided(connection, fence.lane, fence.epoch, before) if before else set()
    for id_, ticket, payload in peeked.entries:
        try:
            entry = load_entry(id_, ticket, payload)
        except UnknownVersion:
            if batch.entries == 0:
                raise
            break
        except Unreadable as error:
            batch.unreadable.append((id_, str(error)))
        else:
            (batch.again if id_ in decided else batch.fresh).append(entry)
        batch.upto, batch.ticket = id_, ticket
    return batch


def _decide(stores: Stores, connection: Connection, batch: Batch, time_ms: int, poison: Poison | None) -> None:
    """Lock the shows, load what decide reads, decide entry by entry in the lane's order."""
    fence = batch.fence
    accepted_ms = max((entry.accepted_ms for entry in batch.fresh), default=0)
    at_ms = decided_ms(time_ms, accepted_ms, fence.decided_ms)
    batch.fence = replace(fence, last=max(fence.last, batch.upto), decided_ms=at_ms)
    if batch.again:
        first, last = batch.again[0].id, batch.again[-1].id
        ids = journal.bookings_decided(connection, fence.lane, fence.epoch, first, last)
        ids |= {id_ for entry in batch.again if (id_ := getattr(entry.operation, "booking_id", None))}
        batch.stored = bookings.by_ids(connection, sorted(ids))
    show_ids = {entry.operation.show_id for entry in (*batch.fresh, *batch.again)}
    batch.rows = shows.lock(connection, sorted(show_ids))
    batch.states = load_states(connection, batch.rows, batch.fresh, stores.halls, stores.seat_maps)
    point("W2c", PostgresUnavailable)
    if poison and not (batch.fresh and batch.fresh[0].id == poison.head):
        poison = None  # another drain has been here: this is another entry
    known = _strays(connection, batch)
    for entry in batch.fresh:
        state = batch.states.get(entry.operation.show_id)
        if state is None and isinstance(entry.operation, Book) and entry.operation.booking_id in known:
            continue  # a key repeated: its outcome stands
        if poison or state is None:
            reason = Reason.INTERNAL if poison else Reason.NO_SUCH_SHOW
            decisions, booking = fail(state, entry, at_ms, reason)
            batch.decisions += decisions
            batch.homeless += [booking] if booking and state is None else []
        else:
            verdict = verdicts.of(entry, batch.withdrawn, time_ms, stores.settings)
            batch.decisions += _decided(state, entry, at_ms, verdict)
    if poison:
        _set_aside(connection, batch, str(poison))


def _strays(connection: Connection, batch: Batch) -> set[UUID]:
    """The bookings that fresh entries name and no state holds, because their show is gone.

    They are published again as they are: their statuses must forget the operation that waited for this.
    """
    operations = [entry.operation for entry in batch.fresh if entry.operation.show_id not in batch.states]
    ids = {id_ for operation in operations if (id_ := getattr(operation, "booking_id", None))}
    found = bookings.by_ids(connection, sorted(ids)) if ids else []
    batch.stored += found
    return {booking.id for booking in found}


def _decided(state: ShowState, entry: Entry, at_ms: int, verdict: Verdict | None) -> list[Decision]:
    try:
        return decide(state, entry, at_ms, verdict)
    except Exception as error:
        raise Poison(f"{type(error).__name__}: {error}") from error


def _set_aside(connection: Connection, batch: Batch, poison: str) -> None:
    """Park the one entry that cannot be decided; refuse if this looks like a bug that would fail them all."""
    entry = batch.fresh[0]
    reasons = journal.last_reasons(connection, batch.fence.lane, POISON_IN_A_ROW)
    if len(list(takewhile(lambda reason: reason == Reason.INTERNAL, reasons))) == POISON_IN_A_ROW:
        log.error("lane_stopped", lane=batch.fence.lane, id=str(entry.id), error=poison)
        raise LaneStopped
    log.error("parked", lane=batch.fence.lane, id=str(entry.id), error=poison)
    journal.park(connection, batch.fence.lane, batch.fence.epoch, entry.id, entry.payload, poison)


def _record(connection: Connection, batch: Batch, entries: Sequence[tuple[StreamId, int, str]]) -> None:
    """Write what has changed, with one statement per table; the journal and the fence last."""
    new: list[Booking] = list(batch.homeless)
    changed: list[Booking] = []
    changes: list[SeatChange] = []
    for state in batch.states.values():
        for id_, known in state.recorded.items():
            (changed if known else new).append(state.bookings[id_])
        changes += _seat_changes(state)
    if changes:
        seats.record(connection, changes)
    bookings.record(connection, new, changed)
    batch.rows.update({id_: _row(batch.rows[id_], state) for id_, state in batch.states.items() if state.changed})
    changed_rows = [batch.rows[id_] for id_, state in batch.states.items() if state.changed]
    if changed_rows:
        settled = {id_ for id_, state in batch.states.items() if state.settings_changed}
        shows.record(connection, changed_rows, settled=settled)
    full = [row.id for row in batch.rows.values() if row.held + row.sold == row.capacity and row.held]
    batch.first_deadlines = bookings.first_deadlines(connection, full) if full else {}
    fence = batch.fence
    payloads = {entry_id: payload for entry_id, _, payload in entries}
    for entry_id, error in batch.unreadable:
        log.error("parked", lane=fence.lane, id=str(entry_id), error=error)
        journal.park(connection, fence.lane, fence.epoch, entry_id, payloads[entry_id], error)
    if batch.decisions:
        journal.append(connection, fence.lane, fence.epoch, fence.seq, batch.decisions)
    batch.fence = replace(fence, seq=fence.seq + len(batch.decisions))
    fences.advance(connection, batch.fence)


def _seat_changes(state: ShowState) -> list[SeatChange]:
    """The net change of each seat: the owner that was read, and the owner now."""
    changes = []
    for label, before in state.owners_before.items():
        after = state.owners[label]
        if after is None:
            status = "AVAILABLE"
        else:
            status = "HELD" if state.bookings[after].status is Status.PENDING else "SOLD"
        if before is not None or after is not None:
            changes.append(SeatChange(state.show.id, label, before, after, status))
    return changes


def _row(row: ShowRow, state: ShowState) -> ShowRow:
    return replace(row, settings=state.show.settings, held=state.held, sold=state.sold, version=row.version + 1)


def log_decisions(batch: Batch) -> None:
    """One line per expired hold, which an operator wants to see; the others only at DEBUG."""
    every = _levels.isEnabledFor(logging.DEBUG)
    for decision in batch.decisions:
        if decision.outcome is Outcome.EXPIRED:
            log.info("hold_expired", booking_id=str(decision.booking_id), show_id=decision.show_id)
        elif every:
            log.debug("decided", booking_id=str(decision.booking_id), kind=decision.kind, outcome=decision.outcome)
