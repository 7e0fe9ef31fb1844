"""Load what decide reads of waiting lists, and of shows that are cancelled: bookings that no operation names.

Few of them are needed: what the operations of a batch can take from a list, and those that an offer looks past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from core.bookings import Booking
from core.operations import Book, ChangeShow, Entry, Expire
from core.waiting import WINDOW, WaitingList, offers_of
from db.postgres import bookings, waiting
from db.postgres.shows import ShowRow


def listed(rows: Mapping[int, ShowRow], entries: Sequence[Entry]) -> set[int]:
    """Return the shows of the entries on which somebody waits, or may before the batch ends."""
    joined = {entry.operation.show_id for entry in entries if getattr(entry.operation, "waiting", False)}
    return {show_id for entry in entries if (show_id := entry.operation.show_id) in joined or rows[show_id].waiting}


def first_waiting(
    connection: Connection, rows: Mapping[int, ShowRow], entries: Sequence[Entry], lapsed: Collection[Booking]
) -> list[Booking]:
    """Return the first bookings of the entries' waiting lists, by number: as many as decide may look at.

    None of a show that is full and stays full whatever the batch decides. `lapsed`: all lapsed holds of these shows.
    """
    may_get_free = {booking.show_id for booking in lapsed}
    limits = Counter[int]()
    for entry in entries:
        show_id = entry.operation.show_id
        row = rows[show_id]
        if not isinstance(entry.operation, Book) or row.held + row.sold < row.capacity:
            may_get_free.add(show_id)
        limits[show_id] += offers_of(entry.operation) + 1  # 1: a Cancel leaves the list
    looked_at = {show_id for show_id in limits if rows[show_id].waiting and show_id in may_get_free}
    wanted = {show_id: WINDOW + limits[show_id] for show_id in looked_at}
    ids = waiting.first(connection, wanted) if wanted else []
    found = {booking.id: booking for booking in bookings.by_ids(connection, ids)} if ids else {}
    return [found[id_] for id_ in ids]


def to_cancel(
    connection: Connection, rows: Mapping[int, ShowRow], entries: Sequence[Entry], slack: int
) -> list[Booking]:
    """Return the first live bookings of shows that have an Expire, and are cancelled when it is decided.

    Args: slack: how many of them the batch's other operations may end themselves.
    """
    cancelled = {
        entry.operation.show_id
        for entry in entries
        if isinstance(entry.operation, ChangeShow) and entry.operation.changes.get("cancelled")
    }
    limits = Counter[int]()
    for entry in entries:
        operation = entry.operation
        if isinstance(operation, Expire) and (
            operation.show_id in cancelled or rows[operation.show_id].settings.cancelled
        ):
            limits[operation.show_id] += operation.limit
    if not limits:
        return []
    ids = waiting.first_live(connection, {show_id: limit + slack for show_id, limit in limits.items()})
    return bookings.by_ids(connection, ids) if ids else []


def list_of(row: ShowRow, loaded: Sequence[Booking]) -> WaitingList:
    """Return a show's waiting list. `loaded`: its first bookings, by number."""
    return WaitingList(loaded, count=row.waiting, last=row.waiting_last, unfinished=row.offers_due)
