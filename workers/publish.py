"""Publish: write what a committed batch decided to Redis, and trim its entries from the lane (db/kv/finish.py)."""

from __future__ import annotations

from uuid import UUID

from core.bookings import Booking
from core.operations import Cancel, Expire, StreamId
from db.kv import cards
from db.kv.finish import CardChange, Pace, Publication, finish
from workers import taken_seats, undecided
from workers.batch import Batch
from workers.stores import Stores
from workers.verdicts import is_withdrawn


def publish(stores: Stores, batch: Batch, token: str, pace: Pace | None) -> bool:
    """Publish a committed batch; return False if another drain was first, or Redis is in another life.

    False needs no reaction: the drain reads the head again in any case.
    Raises: redis-py's errors: the entries are still in the lane, and the next drain publishes them again.
    Repeat: safe.
    """
    ttl_s = stores.final_ttl_s  # read once: the sweeper may change it, and statuses and cards must agree
    unknown = finish(
        stores.client,
        publication(batch, ttl_s),
        token=token,
        lease_ms=stores.settings.lease_ms,
        pace=pace,
        final_ttl_s=ttl_s,
    )
    if unknown is None:
        return False
    stores.contested |= taken_seats.contested(batch.decisions) & set(unknown)
    return True


def publication(batch: Batch, status_ttl_s: int) -> Publication:
    """Return what finish.lua needs of a batch. `status_ttl_s`: for how long final statuses stay in Redis."""
    newest: dict[UUID, StreamId] = {}
    expires = []
    withdrawals_over = []
    for entry in (*batch.again, *batch.fresh):
        operation = entry.operation
        if isinstance(operation, Expire):
            expires.append((operation.show_id, entry.id))
        if operation.booking_id is not None:
            newest[operation.booking_id] = entry.id
            if isinstance(operation, Cancel) or is_withdrawn(operation, batch.withdrawn):
                withdrawals_over.append(operation.booking_id)
    return Publication(
        lane=batch.fence.lane,
        epoch=batch.fence.epoch,
        upto=batch.upto,
        ticket=batch.ticket,
        seq=batch.fence.seq,
        bookings=_bookings(batch, newest),
        newest=newest,
        cards=_cards(batch, status_ttl_s),
        expires=expires,
        withdrawals_over=withdrawals_over,
    )


def _bookings(batch: Batch, newest: dict[UUID, StreamId]) -> list[Booking]:
    """Return the bookings that the batch has changed, or whose operations it has decided."""
    found = {booking.id: booking for booking in (*batch.stored, *batch.without_show)}
    for state in batch.states.values():
        for id_ in {*state.to_record, *(newest.keys() & state.bookings.keys())}:
            found[id_] = state.bookings[id_]
    return list(found.values())


def _cards(batch: Batch, status_ttl_s: int) -> list[CardChange]:
    """Return the cards of the batch's shows. One that has not changed keeps its version, and is not set again."""
    found = []
    books, limits = undecided.books(batch), undecided.limits(batch)
    for show_id, row in batch.rows.items():
        state = batch.states.get(show_id)
        changed = state is not None and state.changed
        sold_out = row.held + row.sold == row.capacity
        card = cards.card(
            row.settings,
            version=row.version,
            hall_id=row.hall_id,
            sold_out_until_ms=batch.first_deadlines.get(show_id, cards.NO_END_MS) if sold_out else 0,
            forgets_at_ms=batch.fence.decided_ms + status_ttl_s * 1000,
        )
        found.append(
            CardChange(
                show_id=show_id,
                card=card,
                before=row.version - 1 if changed else row.version,
                new_settings=state is not None and state.settings_changed,
                taken=batch.taken.get(show_id, {}),
                all_taken=batch.all_taken.get(show_id, b""),
                books=books.get(show_id, {}),
                limits=limits.get(show_id, {}),
            )
        )
    return found
