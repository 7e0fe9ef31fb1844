"""One batch of a lane in one transaction - lock, read, load, decide, record, COMMIT - ready to be published.

The order is the safety (docs/locking.md): the lane's row is locked first, the lane's entries are read after it, the
shows' rows are locked next, and what depends on them is read in later statements. Nothing is published or trimmed
before COMMIT has returned (workers/publish.py does both).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from itertools import takewhile

import redis
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from core import logs
from core.bookings import Booking, Decision, Outcome, Reason
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
from db.kv.lanes import Head
from db.postgres import bookings, fences, journal, shows
from db.postgres.engine import refuses_values, transaction
from db.postgres.fences import Fence
from db.postgres.shows import ShowRow
from workers import clocks, metrics, taken_seats, verdicts
from workers.load_state import keep_seats, load_states
from workers.record import record
from workers.stores import Stores

log = logs.logger(__name__)
_levels = logging.getLogger(__name__)

#: This many undecidable operations in a row suggest a bug of ours rather than bad operations: the lane stops.
POISON_IN_A_ROW = 3
#: What bad values raise, and bugs that they bring to light. Any other error says nothing about the operations.
BAD_VALUES = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


class Poison(OnsaleError):
    """One of the batch's operations cannot be decided or recorded. `head`: the batch's first entry."""

    code = "poison"

    def __init__(self, message: str, head: StreamId | None = None) -> None:
        super().__init__(message)
        self.head = head


@dataclass(frozen=True, slots=True)
class Parked:
    """An entry that is set aside for an operator (table `parked`): it cannot be read, or not be decided."""

    id: StreamId
    payload: str
    error: str


@dataclass
class Batch:
    """One batch, from what was read to what must be published. Entries up to `upto` leave the lane.

    `fence`: the lane's row as the batch leaves it. `read_ms`: Redis's clock when the head was read.
    """

    fence: Fence
    upto: StreamId
    ticket: int
    read_ms: int
    #: Hex ids of queued bookings whose Cancel is in the lane.
    withdrawn: frozenset[str]
    #: Entries to decide; entries that an earlier batch has decided and not published; entries that cannot be read.
    fresh: list[Entry] = field(default_factory=list)
    again: list[Entry] = field(default_factory=list)
    unreadable: list[Parked] = field(default_factory=list)
    #: Loaded: the locked shows, what decide reads of them, and bookings to publish as they are in Postgres.
    rows: dict[int, ShowRow] = field(default_factory=dict)
    sold_before: dict[int, int] = field(default_factory=dict)
    states: dict[int, ShowState] = field(default_factory=dict)
    stored: list[Booking] = field(default_factory=list)
    #: Of a poisoned batch only: the reasons of the lane's last decisions, newest first.
    last_reasons: list[str | None] = field(default_factory=list)
    #: Decided: all decisions, FAILED bookings whose show does not exist, and the head if it cannot be decided.
    decisions: list[Decision] = field(default_factory=list)
    without_show: list[Booking] = field(default_factory=list)
    poisoned: Parked | None = None
    #: For the cards, per show: the first deadline (ms) if no seat is free; the seats that have changed; and all taken
    #: seats if accept.lua knows none of the show (core/taken_seats.py).
    first_deadlines: dict[int, int] = field(default_factory=dict)
    taken: dict[int, dict[int, int]] = field(default_factory=dict)
    all_taken: dict[int, bytes] = field(default_factory=dict)

    @property
    def entry_count(self) -> int:
        """How many entries leave the lane."""
        return len(self.fresh) + len(self.again) + len(self.unreadable)

    @property
    def show_ids(self) -> set[int]:
        """The shows that the batch's operations name, existing or not."""
        return {entry.operation.show_id for entry in (*self.fresh, *self.again)}


def run_batch(stores: Stores, lane: int, limit: int, *, poison: Poison | None = None) -> Batch | None:
    """Decide and commit up to `limit` entries from the lane's head; None if it is empty. Publishes nothing.

    Args:    poison: why its head entry (limit 1) cannot be decided; if it still is the head, it is parked.
    Raises:  LaneBusy, PostgresUnavailable, redis-py's errors: nothing is lost, try again.  Poison: try a smaller
             batch.  UnknownVersion: the head is for a newer worker.  LaneStopped.
    Locks:   lanes(lane) FOR UPDATE NOWAIT, then shows(id) FOR UPDATE in id order.
    Repeat:  safe. Entries that are committed but still in the lane are found decided, and only published again.
    """
    started = time.perf_counter()
    head: Head | None = None
    try:
        with transaction(stores.engine) as connection:
            fence = fences.lock(connection, lane)
            point("lane row locked", PostgresUnavailable)
            head = _read_head(stores, fence, limit)
            if not head.entries:
                return None
            batch = _begin_batch(connection, fence, head)
            _load(stores, connection, batch, poison)
            point("shows loaded", PostgresUnavailable)
            _decide(stores, batch, poison)
            deciding_s = time.perf_counter() - started
            point("batch decided")
            record(connection, batch)
            _read_for_cards(stores, connection, batch)
            point("batch recorded", PostgresUnavailable)
            recorded = time.perf_counter()
        point("batch committed", PostgresUnavailable)
    except (DBAPIError, *BAD_VALUES, SeatConflict, Poison) as error:
        if isinstance(error, SeatConflict):
            log.error("seat_conflict", lane=lane, error=str(error))
        if not isinstance(error, DBAPIError) or refuses_values(error):
            raise Poison(_brief(error), head.entries[0].id if head and head.entries else None) from error
        raise
    keep_seats(stores.kept_seats, batch.states, batch.rows)
    metrics.batch(batch.entry_count, batch.decisions, deciding_s, time.perf_counter() - recorded)
    return batch


def _read_head(stores: Stores, fence: Fence, limit: int) -> Head:
    """Read the lane's head, after its row is locked (docs/locking.md rule 2). Raises: PostgresWentBack."""
    head = lanes.peek(stores.client, fence.lane, limit)
    point("lane head read", redis.ConnectionError)
    if head.seq > fence.seq:
        raise PostgresWentBack
    clocks.compare(stores, head.time_ms, fence.now_ms)
    return head


def _begin_batch(connection: Connection, fence: Fence, head: Head) -> Batch:
    """Return the batch of the head's entries: decided before, to be decided, and unreadable; with its decided time.

    Stops before the first entry of a newer version. Raises: UnknownVersion: that is the very first one.
    """
    if head.epoch != fence.epoch:
        # Redis was wiped, or its old data are back: the journal knows what was decided in this epoch.
        last = journal.last_of_epoch(connection, fence.lane, head.epoch)
        fence = replace(fence, epoch=head.epoch, last=last)
    batch = Batch(fence, StreamId(0, 0), 0, head.time_ms, head.withdrawn)
    # Entries up to `fence.last` are not all decided: a Redis that lost its newest entries gives their ids again, and
    # a repeated Book is not journalled. The journal says which are.
    before = [entry.id for entry in head.entries if entry.id <= fence.last]
    decided = journal.decided(connection, fence.lane, fence.epoch, before) if before else set()
    for id_, ticket, payload in head.entries:
        try:
            entry = load_entry(id_, ticket, payload)
        except UnknownVersion:
            if batch.entry_count == 0:
                raise
            break
        except Unreadable as error:
            batch.unreadable.append(Parked(id_, payload, str(error)))
        else:
            (batch.again if id_ in decided else batch.fresh).append(entry)
        batch.upto, batch.ticket = id_, ticket
    accepted_ms = max((entry.accepted_ms for entry in batch.fresh), default=0)
    at_ms = decided_ms(head.time_ms, accepted_ms, fence.decided_ms)
    batch.fence = replace(fence, last=max(fence.last, batch.upto), decided_ms=at_ms)
    return batch


def _load(stores: Stores, connection: Connection, batch: Batch, poison: Poison | None) -> None:
    """Lock the batch's shows, and read what decide needs in later statements (docs/locking.md rules 2 and 5)."""
    batch.rows = shows.lock(connection, sorted(batch.show_ids))
    batch.sold_before = {show_id: row.sold for show_id, row in batch.rows.items()}
    batch.states = load_states(connection, batch.rows, batch.fresh, stores.halls, stores.kept_seats)
    # Published as they are: what earlier batches decided, and bookings whose show has been deleted since, whose
    # statuses must forget the operation that waited for this batch.
    ids = {entry.operation.booking_id for entry in batch.again}
    ids |= {entry.operation.booking_id for entry in batch.fresh if entry.operation.show_id not in batch.states}
    if batch.again:
        first, last = batch.again[0].id, batch.again[-1].id
        ids |= journal.bookings_decided(connection, batch.fence.lane, batch.fence.epoch, first, last)
    named = sorted(id_ for id_ in ids if id_ is not None)
    batch.stored = bookings.by_ids(connection, named) if named else []
    if poison:
        batch.last_reasons = journal.last_reasons(connection, batch.fence.lane, POISON_IN_A_ROW)


def _decide(stores: Stores, batch: Batch, poison: Poison | None) -> None:
    """Decide the fresh entries in the lane's order. A poisoned batch has one, which fails and is to be parked."""
    if poison and batch.fresh and batch.fresh[0].id == poison.head:  # else another drain has dealt with it
        _park(batch, str(poison))
    outcomes = {booking.id for booking in batch.stored}
    for entry in batch.fresh:
        operation = entry.operation
        state = batch.states.get(operation.show_id)
        if state is None and isinstance(operation, Book) and operation.booking_id in outcomes:
            continue  # a repeated key, of a show that has been deleted since
        if batch.poisoned or state is None:
            _fail(batch, entry, Reason.INTERNAL if batch.poisoned else Reason.NO_SUCH_SHOW)
        else:
            batch.decisions += _decide_entry(stores, batch, state, entry)


def _park(batch: Batch, error: str) -> None:
    """Have the batch's only entry parked. Raises: LaneStopped: the lane's last decisions failed in the same way."""
    entry = batch.fresh[0]
    if len(list(takewhile(lambda reason: reason == Reason.INTERNAL, batch.last_reasons))) == POISON_IN_A_ROW:
        log.error("lane_stopped", lane=batch.fence.lane, id=str(entry.id), error=error)
        raise LaneStopped
    batch.poisoned = Parked(entry.id, entry.payload, error)


def _decide_entry(stores: Stores, batch: Batch, state: ShowState, entry: Entry) -> list[Decision]:
    """Decide one entry by the rules of core/decide.py. Raises: Poison, for whatever these raise."""
    verdict = verdicts.of(entry, batch.withdrawn, batch.read_ms, stores.settings)
    try:
        return decide(state, entry, batch.fence.decided_ms, verdict)
    except Exception as error:
        raise Poison(f"{type(error).__name__}: {error}") from error


def _fail(batch: Batch, entry: Entry, reason: Reason) -> None:
    """Fail an entry without asking the rules."""
    state = batch.states.get(entry.operation.show_id)
    decisions, booking = fail(state, entry, batch.fence.decided_ms, reason)
    batch.decisions += decisions
    if booking is not None and state is None:
        batch.without_show.append(booking)


def _read_for_cards(stores: Stores, connection: Connection, batch: Batch) -> None:
    """Read what the shows' cards say and only the tables know, now that the batch is recorded."""
    full = [row.id for row in batch.rows.values() if row.held + row.sold == row.capacity and row.held]
    batch.first_deadlines = bookings.first_deadlines(connection, full) if full else {}
    batch.taken = {show_id: taken_seats.changed(state) for show_id, state in batch.states.items()}
    batch.all_taken = taken_seats.read(connection, stores.contested, batch.states)


def _brief(error: Exception) -> str:
    """The error in a few words; the type is named where the message alone says little (a KeyError's is the key)."""
    says = str(getattr(error, "orig", error))
    return f"{type(error).__name__}: {says}" if isinstance(error, BAD_VALUES) else says


def log_decisions(batch: Batch) -> None:
    """Log one line per expired hold, which operators want to see; other decisions only at DEBUG."""
    debug = _levels.isEnabledFor(logging.DEBUG)
    for decision in batch.decisions:
        if decision.outcome is Outcome.EXPIRED:
            log.info("hold_expired", booking_id=str(decision.booking_id), show_id=decision.show_id)
        elif debug:
            log.debug("decided", booking_id=str(decision.booking_id), kind=decision.kind, outcome=decision.outcome)
