"""Bookings in Postgres: the current state of every decided booking. Only a lane's transaction writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.bookings import Booking, Reason, Status
from core.errors import SeatConflict
from core.ids import ids_of_reference, reference
from core.times import from_ms, to_ms
from db.postgres.engine import as_array, as_json, execute, for_each

_COLUMNS = """id, show_id, user_id, status, reason, fingerprint, seats, amount_cents, version, last_operation,
            accepted_at, decided_at, expires_at, confirmed_at, replaced_by, seat_prices_cents, released, extended,
            waiting_number, wish, wish_granted, apart"""


def by_ids(connection: Connection, ids: Sequence[UUID]) -> list[Booking]:
    """Return the bookings with these ids; those that do not exist are missing."""
    statement = f"""
        SELECT {_COLUMNS}
        FROM bookings
        WHERE id = ANY(CAST(:ids AS uuid[]))
    """  # noqa: S608 - the columns are a constant
    return [_booking(row) for row in execute(connection, statement, {"ids": as_array(ids)})]


def get(connection: Connection, booking_id: UUID) -> Booking | None:
    """Return a booking; None if it is undecided or does not exist."""
    return next(iter(by_ids(connection, [booking_id])), None)


def get_own(connection: Connection, booking_id: UUID, user_id: UUID) -> Booking | None:
    """Return a user's booking; None if it is undecided, another user's, or does not exist: the caller cannot tell."""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM bookings
        WHERE id = :id AND user_id = :user_id
    """)  # noqa: S608 - the columns are a constant
    row = connection.execute(statement, {"id": booking_id, "user_id": user_id}).one_or_none()
    return _booking(row) if row else None


_LIVE = """
    SELECT *
    FROM bookings
    WHERE status IN ('PENDING', 'CONFIRMED') AND show_id = wanted_show_id AND user_id = wanted_user_id
"""


def live_of_users(connection: Connection, people: Iterable[tuple[int, UUID]]) -> list[Booking]:
    """Return the live bookings of some (show, user) pairs. No pair may be given twice."""
    # `for_each` (db/postgres/engine.py) keeps Postgres from joining the other way round: it looks up each pair by the
    # index bookings_live_of_user, and never reads the whole table to find the pairs in it.
    statement = f"""
        SELECT {_COLUMNS}
        FROM json_to_recordset(CAST(:wanted AS json)) AS wanted (wanted_show_id integer, wanted_user_id uuid)
        {for_each(_LIVE)} AS live
    """  # noqa: S608 - the columns and the look-up are constants
    wanted = as_json([{"wanted_show_id": show_id, "wanted_user_id": user_id} for show_id, user_id in people])
    return [_booking(row) for row in execute(connection, statement, {"wanted": wanted})]


def lapsed_among(connection: Connection, ids: Sequence[UUID], at_ms: int) -> list[Booking]:
    """Return those of some bookings that are holds with a deadline not after `at_ms`."""
    statement = f"""
        SELECT {_COLUMNS}
        FROM bookings
        WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'PENDING' AND expires_at <= :at
    """  # noqa: S608 - the columns are a constant
    return [_booking(row) for row in execute(connection, statement, {"ids": as_array(ids), "at": from_ms(at_ms)})]


def lapsed_holds(connection: Connection, show_ids: Sequence[int], at_ms: int, limit: int | None) -> list[Booking]:
    """Return, per show, up to `limit` (None: all) holds with a deadline not after `at_ms`, by deadline and id."""
    # The LIMIT counts per show, so this must be a look-up for each of them.
    statement = f"""
        SELECT {_COLUMNS}
        FROM unnest(CAST(:show_ids AS integer[])) AS wanted (wanted_show_id)
        CROSS JOIN LATERAL (
            SELECT *
            FROM bookings
            WHERE status = 'PENDING' AND show_id = wanted_show_id AND expires_at <= :at
            ORDER BY expires_at, id
            LIMIT :limit
        ) AS lapsed
    """  # noqa: S608 - the columns are a constant
    values = {"show_ids": list(show_ids), "at": from_ms(at_ms), "limit": limit}
    return [_booking(row) for row in execute(connection, statement, values)]


def shows_with_lapsed_holds(connection: Connection, at_ms: int) -> list[int]:
    """Return the shows that have holds with a deadline not after `at_ms`."""
    statement = text("""
        SELECT DISTINCT show_id
        FROM bookings
        WHERE status = 'PENDING' AND expires_at <= :at
    """)
    return list(connection.execute(statement, {"at": from_ms(at_ms)}).scalars())


def count_lapsed_holds(connection: Connection, at_ms: int) -> int:
    """Return how many holds of all shows have a deadline not after `at_ms`."""
    statement = text("""
        SELECT count(*)
        FROM bookings
        WHERE status = 'PENDING' AND expires_at <= :at
    """)
    return int(connection.execute(statement, {"at": from_ms(at_ms)}).scalar_one())


def first_deadlines(connection: Connection, show_ids: Sequence[int]) -> dict[int, int]:
    """Return the earliest deadline among the holds of each show, ms; shows without a hold are missing."""
    # One look-up per show reads a single entry of the index bookings_holds; min() with GROUP BY would read all holds.
    statement = """
        SELECT wanted.show_id, first.expires_at
        FROM unnest(CAST(:show_ids AS integer[])) AS wanted (show_id)
        CROSS JOIN LATERAL (
            SELECT expires_at
            FROM bookings
            WHERE status = 'PENDING' AND bookings.show_id = wanted.show_id
            ORDER BY expires_at
            LIMIT 1
        ) AS first
    """
    rows = execute(connection, statement, {"show_ids": list(show_ids)})
    return {row.show_id: to_ms(row.expires_at) for row in rows}


def record(connection: Connection, new: Sequence[Booking], changed: Sequence[Booking]) -> None:
    """Insert new bookings and update changed ones. The rows are Booking's fields, by their names.

    Raises: SeatConflict: a booking is missing or was changed meanwhile; the transaction must be rolled back.
    """
    if new:
        execute(connection, _INSERT, {"rows": as_json(new)})
    if changed:
        updated = execute(connection, _UPDATE, {"rows": as_json(changed)}).rowcount
        if updated != len(changed):
            raise SeatConflict(f"{len(changed) - updated} of {len(changed)} bookings were changed by somebody else.")


_ROWS = """json_to_recordset(CAST(:rows AS json))
        AS new (id uuid, show_id integer, user_id uuid, status text, reason text, fingerprint text, seats text[],
            amount_cents integer, version integer, last_operation jsonb, accepted_ms bigint,
            decided_ms bigint, expires_ms bigint, confirmed_ms bigint, seat_prices_cents integer[], released text[],
            extended boolean, waiting_number integer, wish jsonb, replaced_by uuid, wish_granted integer,
            apart boolean)"""

_INSERT = f"""
    INSERT INTO bookings (id, show_id, user_id, status, reason, fingerprint, seats, amount_cents, version,
        last_operation, accepted_at, decided_at, expires_at, confirmed_at, seat_prices_cents, released, extended,
        waiting_number, wish, wish_granted, apart)
    SELECT id, show_id, user_id, status, reason, fingerprint, seats, amount_cents, version, last_operation,
        to_timestamp(accepted_ms / 1000.0), to_timestamp(decided_ms / 1000.0),
        to_timestamp(expires_ms / 1000.0), to_timestamp(confirmed_ms / 1000.0), seat_prices_cents, released, extended,
        waiting_number, wish, wish_granted, apart
    FROM {_ROWS}
"""  # noqa: S608 - the rows are a constant

# For each changed booking, look up its row by primary key and update it at its physical address (ctid): see _RECORD
# in db/postgres/seats.py for why.
_UPDATE = f"""
    UPDATE bookings
    SET status = new.status, reason = new.reason, version = new.version, last_operation = new.last_operation,
        decided_at = to_timestamp(new.decided_ms / 1000.0), expires_at = to_timestamp(new.expires_ms / 1000.0),
        confirmed_at = to_timestamp(new.confirmed_ms / 1000.0), seats = new.seats, amount_cents = new.amount_cents,
        seat_prices_cents = new.seat_prices_cents, released = new.released, extended = new.extended,
        replaced_by = new.replaced_by, wish_granted = new.wish_granted, apart = new.apart
    FROM {_ROWS}
    {for_each("SELECT ctid AS address FROM bookings WHERE id = new.id")} AS found
    WHERE bookings.ctid = found.address
"""  # noqa: S608 - the rows are a constant


def list_of_user(
    connection: Connection, user_id: UUID, *, after: tuple[int, UUID] | None, limit: int
) -> list[Booking]:
    """Return a user's decided bookings, newest first; `after`: only those that follow this one (accepted, ms; id)."""
    following = "AND (accepted_at, id) < (:accepted_at, :id)" if after else ""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM bookings
        WHERE user_id = :user_id
            {following}
        ORDER BY accepted_at DESC, id DESC
        LIMIT :limit
    """)  # noqa: S608 - constants
    accepted_ms, id_ = after or (0, None)
    values = {"user_id": user_id, "accepted_at": from_ms(accepted_ms), "id": id_, "limit": limit}
    return [_booking(row) for row in connection.execute(statement, values)]


def by_reference(connection: Connection, user_id: UUID | None, reference_: str) -> Booking | None:
    """Return a booking of a user (None: of anybody) by its reference, as `read_reference` returns it; None: none."""
    first, last = ids_of_reference(reference_)
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM bookings
        WHERE id BETWEEN :first AND :last AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)
    """)  # noqa: S608 - the columns are a constant
    rows = connection.execute(statement, {"first": first, "last": last, "user_id": user_id})
    return next((booking for booking in map(_booking, rows) if reference(booking.id) == reference_), None)


def all_bookings(connection: Connection) -> Iterator[Booking]:
    """Yield every booking, streamed."""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM bookings
    """)  # noqa: S608 - the columns are a constant
    for row in connection.execute(statement, execution_options={"stream_results": True, "max_row_buffer": 5_000}):
        yield _booking(row)


def shows_with_any(connection: Connection, show_ids: Sequence[int]) -> set[int]:
    """Return those of some shows that have any booking. By primary key: a booking's id begins with its show's."""
    statement = """
        SELECT wanted.show_id
        FROM json_to_recordset(CAST(:wanted AS json)) AS wanted (show_id integer, first uuid, last uuid)
        WHERE EXISTS (
            SELECT
            FROM bookings
            WHERE id BETWEEN wanted.first AND wanted.last
        )
    """
    wanted = [
        {"show_id": show_id, "first": UUID(int=show_id << 96), "last": UUID(int=(show_id + 1 << 96) - 1)}
        for show_id in show_ids
    ]
    return {row.show_id for row in execute(connection, statement, {"wanted": as_json(wanted)})}


def count_by_state(connection: Connection) -> dict[str, int]:
    """Return how many bookings are HELD, CONFIRMED, FAILED and CANCELLED. Reads the whole table: not for polling."""
    statement = text("""
        SELECT CASE status WHEN 'PENDING' THEN 'HELD' ELSE status END AS state, count(*) AS bookings
        FROM bookings
        GROUP BY 1
        ORDER BY 1
    """)
    return {row.state: row.bookings for row in connection.execute(statement)}


def _booking(row: Any) -> Booking:
    return Booking(
        id=row.id,
        show_id=row.show_id,
        user_id=row.user_id,
        status=Status(row.status),
        reason=Reason(row.reason) if row.reason else None,
        fingerprint=row.fingerprint,
        seats=tuple(row.seats),
        amount_cents=row.amount_cents,
        version=row.version,
        last_operation=row.last_operation,
        accepted_ms=to_ms(row.accepted_at),
        decided_ms=to_ms(row.decided_at),
        expires_ms=to_ms(row.expires_at) if row.expires_at else None,
        confirmed_ms=to_ms(row.confirmed_at) if row.confirmed_at else None,
        replaced_by=row.replaced_by,
        seat_prices_cents=tuple(row.seat_prices_cents),
        released=tuple(row.released),
        extended=row.extended,
        waiting_number=row.waiting_number,
        wish=row.wish,
        wish_granted=row.wish_granted,
        apart=row.apart,
    )
