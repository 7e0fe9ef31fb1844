"""Publish: tell Redis what a committed batch decided, and take its entries out of the lane (finish.lua)."""

from __future__ import annotations

from uuid import UUID

from core.bookings import Booking
from core.operations import Cancel, Expire, StreamId
from db.kv import cards, statuses
from db.kv.cards import CardChange
from db.kv.statuses import Pace, Publication
from workers import taken_seats, undecided
from workers.batch import Batch
from workers.stores import Stores
from workers.verdicts import is_withdrawn


def publish(stores: Stores, batch: Batch, token: str, pace: Pace | None) -> bool:
    """Publish a batch that is committed; False if another drain or another Redis was there first.

    Raises: redis-py's errors: the entries are still in the lane, and the next drain publishes them again.
    Repeat: safe.
    """
    ttl_s = stores.final_ttl_s  # once: the sweeper may change it, and statuses and cards must agree
    unknown = statuses.finish(
        stores.client,
        publication(batch, ttl_s),
        token=token,
        lease_ms=stores.settings.lease_ms,
        pace=pace,
        final_ttl_s=ttl_s,
    )
    if unknown is None:
        return False
    stores.untold |= taken_seats.contested(batch.decisions) & set(unknown)
    return True


def publication(batch: Batch, status_ttl_s: int) -> Publication:
    """What finish.lua needs of a batch."""
    found: dict[UUID, Booking] = {booking.id: booking for booking in (*batch.stored, *batch.homeless)}
    newest: dict[UUID, StreamId] = {}
    expired = []
    settled = []
    for entry in (*batch.again, *batch.fresh):
        operation = entry.operation
        if isinstance(operation, Expire):
            expired.append((operation.show_id, entry.id))
        booking_id = getattr(operation, "booking_id", None)
        if booking_id is not None:
            newest[booking_id] = entry.id
            if isinstance(operation, Cancel) or is_withdrawn(operation, batch.withdrawn):
                settled.append(booking_id)
    for state in batch.states.values():
        for id_ in {*state.recorded, *(newest.keys() & state.bookings.keys())}:
            found[id_] = state.bookings[id_]
    return Publication(
        lane=batch.fence.lane,
        epoch=batch.fence.epoch,
        upto=batch.upto,
        ticket=batch.ticket,
        seq=batch.fence.seq,
        bookings=list(found.values()),
        newest=newest,
        cards=_cards(batch, status_ttl_s),
        expired=expired,
        settled=settled,
    )


def _cards(batch: Batch, status_ttl_s: int) -> list[CardChange]:
    """The cards of the batch's shows. One that has not changed keeps its version, and is not set again."""
    found = []
    books, limits = undecided.books(batch), undecided.limits(batch)
    for show_id, row in batch.rows.items():
        until_ms = 0
        if row.held + row.sold == row.capacity:
            until_ms = batch.first_deadlines.get(show_id, cards.NO_END_MS)
        card = cards.card(
            row.settings,
            version=row.version,
            hall_id=row.hall_id,
            sold_out_until_ms=until_ms,
            forgets_at_ms=batch.fence.decided_ms + status_ttl_s * 1000,
        )
        state = batch.states.get(show_id)
        before = row.version - (state is not None and state.changed)
        settled = state is not None and state.settings_changed
        found.append(
            CardChange(
                show_id,
                card,
                before,
                settled,
                batch.taken.get(show_id, {}),
                batch.all_taken.get(show_id, b""),
                books.get(show_id, {}),
                limits.get(show_id, {}),
            )
        )
    return found
