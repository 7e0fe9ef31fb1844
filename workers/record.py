"""Record: write what a batch has decided, in the batch's transaction, with one statement per table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from core import logs
from core.bookings import Booking, Status
from core.state import ShowState
from db.postgres import bookings, fences, journal, seats, shows
from db.postgres.seats import SeatChange
from db.postgres.shows import ShowRow

if TYPE_CHECKING:
    from workers.batch import Batch

log = logs.logger(__name__)


def record(connection: Connection, batch: Batch) -> None:
    """Write seats, bookings, shows, parked entries and the journal; last the lane's row, and set `batch.fence` to it.

    Raises: SeatConflict: a seat's owner is not the one that was read (docs/locking.md rule 8).
    """
    _record_seats(connection, batch)
    _record_bookings(connection, batch)
    _record_shows(connection, batch)
    _record_parked(connection, batch)
    fence = batch.fence
    if batch.decisions:
        journal.append(connection, fence.lane, fence.epoch, fence.seq, batch.decisions)
    batch.fence = replace(fence, seq=fence.seq + len(batch.decisions))
    fences.advance(connection, batch.fence)


def _record_seats(connection: Connection, batch: Batch) -> None:
    changes = [change for state in batch.states.values() for change in _seat_changes(state)]
    if changes:
        seats.record(connection, changes)


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


def _record_bookings(connection: Connection, batch: Batch) -> None:
    new: list[Booking] = list(batch.without_show)
    changed: list[Booking] = []
    for state in batch.states.values():
        for id_, stored in state.to_record.items():
            (changed if stored else new).append(state.bookings[id_])
    bookings.record(connection, new, changed)


def _record_shows(connection: Connection, batch: Batch) -> None:
    """Write changed shows, and put their rows, with the next version, into `batch.rows`."""
    changed = {show_id: state for show_id, state in batch.states.items() if state.changed}
    for show_id, state in changed.items():
        batch.rows[show_id] = _row(batch.rows[show_id], state)
    if changed:
        new_settings = {show_id for show_id, state in changed.items() if state.settings_changed}
        shows.record(connection, [batch.rows[show_id] for show_id in changed], new_settings=new_settings)


def _row(row: ShowRow, state: ShowState) -> ShowRow:
    """Return a changed show's row, with its next version."""
    return replace(
        row,
        settings=state.show.settings,
        held=state.held,
        sold=state.sold,
        version=row.version + 1,
        waiting=state.waiting.count,
        waiting_last=state.waiting.last,
        offers_due=state.waiting.unfinished,
    )


def _record_parked(connection: Connection, batch: Batch) -> None:
    fence = batch.fence
    for entry in (*batch.unreadable, *([batch.poisoned] if batch.poisoned else [])):
        log.error("parked", lane=fence.lane, id=str(entry.id), error=entry.error)
        journal.park(connection, fence.lane, fence.epoch, entry.id, entry.payload, entry.error)
