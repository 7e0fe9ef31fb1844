"""A batch's statements find their rows by key, even if tables have grown since Postgres planned the statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from core.bookings import Booking, Status
from core.ids import booking_id
from db.postgres import bookings, seats
from db.postgres.engine import make_engine, transaction
from db.postgres.seats import SeatChange
from tests.support.stage import Stage

#: Seats of the show when the statements are planned, and when they are measured.
FEW, MANY = 5, 4_000
#: psycopg prepares a statement at its 6th execution, Postgres keeps a plan after five more.
UNTIL_PLANNED = 15


@pytest.fixture
def worker(stage: Stage) -> Iterator[Engine]:
    """An engine with a worker's options."""
    engine = make_engine(stage.stores.settings.database_url, pool_size=1, pre_ping=False, by_key=True)
    yield engine
    engine.dispose()


def live(show: int, number: int) -> Booking:
    """Return a confirmed booking of one seat by a new user."""
    user = uuid4()
    return Booking(
        id=booking_id(b"k" * 32, show, user, str(number)), show_id=show, user_id=user, status=Status.CONFIRMED,
        reason=None, fingerprint="f", seats=(f"A{number}",), amount_cents=1, version=1, last_operation={},
        accepted_ms=1, decided_ms=1, expires_ms=None, confirmed_ms=1,
    )  # fmt: skip


def add(connection: Connection, show: int, first: int, last: int) -> list[Booking]:
    """Sell the seats with these numbers, which the show does not have yet."""
    sold = [live(show, number) for number in range(first, last)]
    statement = text("INSERT INTO seats (show_id, label, status, booking_id) VALUES (:show, :label, 'SOLD', :owner)")
    connection.execute(
        statement, [{"show": show, "label": booking.seats[0], "owner": booking.id} for booking in sold]
    )
    bookings.record(connection, sold, [])
    return sold


def rows_read(connection: Connection) -> int:
    """Return how many rows of seats and bookings this transaction has read so far."""
    statement = text("""
        SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))
        FROM pg_stat_xact_user_tables
        WHERE relname IN ('seats', 'bookings')
    """)
    return int(connection.execute(statement).scalar() or 0)


def change(booking: Booking, before: UUID | None = None) -> SeatChange:
    return SeatChange(booking.show_id, booking.seats[0], before or booking.id, booking.id, "SOLD")


STATEMENTS: dict[str, Callable[[Connection, Booking], object]] = {
    "bookings by id": lambda connection, it: bookings.by_ids(connection, [it.id]),
    "live bookings": lambda connection, it: bookings.live_of_users(connection, {(it.show_id, it.user_id)}),
    "lapsed among": lambda connection, it: bookings.lapsed_among(connection, [it.id], 0),
    "owners": lambda connection, it: seats.owners(connection, [(it.show_id, it.seats[0])]),
    "seats changed": lambda connection, it: seats.record(connection, [change(it)]),
    "bookings changed": lambda connection, it: bookings.record(connection, [], [replace(it, version=it.version + 1)]),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_number_of_rows_read_does_not_grow_with_the_tables(stage: Stage, worker: Engine, name: str) -> None:
    show, run = stage.show(rows=1, seats=1), STATEMENTS[name]
    with transaction(worker) as connection:
        connection.execute(text("DELETE FROM seats WHERE show_id = :show"), {"show": show})
        first = add(connection, show, 1, FEW)[0]
        connection.execute(text("ANALYZE seats, bookings"))
        for _ in range(UNTIL_PLANNED):
            run(connection, first)
        last = add(connection, show, FEW, MANY)[-1]

        before = rows_read(connection)
        run(connection, last)

        assert rows_read(connection) - before <= 5


def test_the_rows_are_right(stage: Stage, worker: Engine) -> None:
    show = stage.show(rows=1, seats=1)
    with transaction(worker) as connection:
        connection.execute(text("DELETE FROM seats WHERE show_id = :show"), {"show": show})
        first, second, third = add(connection, show, 1, 4)
        people = {(show, first.user_id), (show, second.user_id), (show + 1, third.user_id), (show, uuid4())}
        wanted = [(show, "A1"), (show, "A3"), (show, "A99"), (show + 1, "A2")]

        assert {found.id for found in bookings.live_of_users(connection, people)} == {first.id, second.id}
        assert sorted(seats.owners(connection, wanted)) == [(show, "A1", first.id), (show, "A3", third.id)]

        changed = replace(second, status=Status.CANCELLED, version=2)
        bookings.record(connection, [], [changed])
        assert bookings.by_ids(connection, [second.id]) == [changed]
        assert bookings.by_ids(connection, [first.id]) == [first]
        assert bookings.live_of_users(connection, {(show, second.user_id)}) == []
