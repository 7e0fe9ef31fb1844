"""Load everything that decide reads for one batch, in statements *after* the locks.

One statement per kind and batch, however many operations there are: bookings by id, live bookings of the users who
book, owners of the requested seats (unless this worker has kept the show's map), and the lapsed holds among all
these. Of shows with a waiting list also every owner, and the first who wait (workers/load_waiting.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from core.bookings import Booking
from core.halls import Hall
from core.operations import Book, Entry, Expire
from core.recent import Recent
from core.seat_owners import Owners
from core.shows import Show
from core.state import ShowState
from db.postgres import bookings, halls, seats
from db.postgres.shows import ShowRow
from workers import load_waiting
from workers.kept_seats import KeptSeats, ShowSeats

#: The api lets a Book take at most this many seats (api/shapes/requests.py), so it can expire at most this many
#: holds.
SEATS_MAX = 10


def load_states(
    connection: Connection,
    rows: dict[int, ShowRow],
    entries: Sequence[Entry],
    plans: Recent[int, Hall],
    kept: KeptSeats,
) -> dict[int, ShowState]:
    """Return the state of each existing show that `entries` name. `rows` must be locked.

    Removes these shows from `kept`; `keep_seats` puts them back when the batch is committed.
    """
    wanted = [entry for entry in entries if entry.operation.show_id in rows]
    at_ms = max((entry.accepted_ms for entry in wanted), default=0)
    books = [entry.operation for entry in wanted if isinstance(entry.operation, Book)]
    show_ids = {entry.operation.show_id for entry in wanted}
    show_seats = {show_id: _show_seats(rows[show_id], kept) for show_id in show_ids}
    listed = load_waiting.listed(rows, wanted)
    whole = {book.show_id for book in books if book.chooses} | listed
    _read_owners(connection, books, show_seats, whole)
    lapsed = _lapsed(connection, wanted, books, show_seats, whole, at_ms)
    of_lists = [entry for entry in wanted if entry.operation.show_id in listed]
    first = load_waiting.first_waiting(connection, rows, of_lists, lapsed) if listed else []
    to_cancel = load_waiting.to_cancel(connection, rows, wanted, SEATS_MAX * len(wanted))
    found: dict[UUID, Booking] = {}
    for booking in (*_bookings(connection, wanted, books, first), *lapsed, *first, *to_cancel):
        found.setdefault(booking.id, booking)
    by_show, waiting = _by_show(found.values()), _by_show([found[booking.id] for booking in first])
    return {
        show_id: ShowState(
            Show(show_id, _hall(connection, rows[show_id].hall_id, plans), rows[show_id].settings),
            owners=its_seats.owners,
            bookings=by_show[show_id],
            held=rows[show_id].held,
            sold=rows[show_id].sold,
            free=its_seats.free,
            now_ms=its_seats.now_ms,
            waiting=load_waiting.list_of(rows[show_id], waiting[show_id]),
        )
        for show_id, its_seats in show_seats.items()
    }


def keep_seats(kept: KeptSeats, states: dict[int, ShowState], rows: dict[int, ShowRow]) -> None:
    """Keep the complete seats of a batch's shows for the next one. To be called only after COMMIT has returned."""
    for show_id, state in states.items():
        if state.owners.whole:
            kept.put(show_id, ShowSeats(rows[show_id].version, state.owners, state.free_seats, state.now_ms))


def _by_show(found: Iterable[Booking]) -> dict[int, list[Booking]]:
    """Return bookings by show, in their order."""
    by_show: dict[int, list[Booking]] = defaultdict(list)
    for booking in found:
        by_show[booking.show_id].append(booking)
    return by_show


def _show_seats(row: ShowRow, kept: KeptSeats) -> ShowSeats:
    """Return the show's kept seats if they are still valid, else none."""
    return kept.remove(row.id, row.version) or ShowSeats(row.version, Owners())


def _read_owners(
    connection: Connection, books: Sequence[Book], show_seats: dict[int, ShowSeats], whole: set[int]
) -> None:
    """Read the owners that are not kept: of the named seats, or of every seat of the shows `whole`."""
    lacking = {show_id for show_id in whole if not show_seats[show_id].owners.whole}
    named = {
        (book.show_id, label)
        for book in books
        if book.show_id not in whole and not show_seats[book.show_id].owners.whole
        for label in book.named
    }
    found = seats.owners_of_shows(connection, sorted(lacking)) if lacking else []
    if named:
        found += seats.owners(connection, named)
    for show_id, label, owner in found:
        show_seats[show_id].owners[label] = owner
    for show_id in lacking:
        show_seats[show_id].owners.whole = True


def _bookings(
    connection: Connection, entries: Sequence[Entry], books: Sequence[Book], first: Sequence[Booking]
) -> list[Booking]:
    """Return the bookings that the operations name, and the live ones of those who book or wait (for the limit)."""
    ids = [id_ for entry in entries if (id_ := entry.operation.booking_id)]
    ids += [book.replaces for book in books if book.replaces is not None]
    found = bookings.by_ids(connection, ids) if ids else []
    people = {(book.show_id, book.user_id) for book in books}
    people |= {(booking.show_id, booking.user_id) for booking in first}
    if people:
        found += bookings.live_of_users(connection, people)
    return found


def _lapsed(
    connection: Connection,
    entries: Sequence[Entry],
    books: Sequence[Book],
    show_seats: dict[int, ShowSeats],
    whole: set[int],
    at_ms: int,
) -> list[Booking]:
    """Return the holds that have lapsed by `at_ms` and whose seats an operation of the batch may take or free.

    All of them for the shows `whole`.
    """
    expires = [entry.operation for entry in entries if isinstance(entry.operation, Expire)]
    found = bookings.lapsed_holds(connection, sorted(whole), at_ms, None) if whole else []
    limited = sorted({operation.show_id for operation in expires} - whole)
    if limited:
        # Earlier operations of the batch may expire some of these themselves: load as many more.
        limit = sum(operation.limit for operation in expires) + SEATS_MAX * len(entries)
        found += bookings.lapsed_holds(connection, limited, at_ms, limit)
    owners = {
        show_seats[book.show_id].owners.get(label)
        for book in books
        if book.show_id not in whole
        for label in book.named
    }
    named = [owner for owner in owners if owner is not None]
    if named:
        found += bookings.lapsed_among(connection, named, at_ms)
    return found


def _hall(connection: Connection, hall_id: int, plans: Recent[int, Hall]) -> Hall:
    hall = plans.get(hall_id)
    if hall is None:
        # Read even if other lanes' threads are reading it: no transaction waits for another one's thread.
        row = halls.get_hall(connection, hall_id)
        assert row is not None  # shows_hall_exists
        hall = Hall.from_plan(hall_id, row.plan)
        plans.put(hall_id, hall)
    return hall
