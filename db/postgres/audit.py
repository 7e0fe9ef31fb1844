"""Audit: queries that must find nothing. `onsale verify` runs them all in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from core.shows import ShowSettings

#: Name of a check -> a statement that returns one row per violation, described in words.
CHECKS: dict[str, str] = {
    "seat in two live bookings": """
        SELECT format('seat %s of show %s belongs to %s live bookings', label, show_id, count(*))
        FROM bookings
        CROSS JOIN unnest(seats) AS label
        WHERE status IN ('PENDING', 'CONFIRMED')
        GROUP BY show_id, label
        HAVING count(*) > 1
    """,
    "live booking without its seats": """
        SELECT format('booking %s is %s, but seat %s is %s of %s', bookings.id, bookings.status, wanted,
            seats.status, seats.booking_id)
        FROM bookings
        CROSS JOIN unnest(bookings.seats) AS wanted
        LEFT JOIN seats ON seats.show_id = bookings.show_id AND seats.label = wanted
        WHERE bookings.status IN ('PENDING', 'CONFIRMED')
            AND (seats.booking_id IS DISTINCT FROM bookings.id
                OR seats.status <> CASE bookings.status WHEN 'PENDING' THEN 'HELD' ELSE 'SOLD' END)
    """,
    "seat of no live booking": """
        SELECT format('seat %s of show %s is %s of %s, which is %s', seats.label, seats.show_id, seats.status,
            seats.booking_id, coalesce(bookings.status, 'not there'))
        FROM seats
        LEFT JOIN bookings ON bookings.id = seats.booking_id
        WHERE seats.booking_id IS NOT NULL
            AND (bookings.status IS NULL OR bookings.status NOT IN ('PENDING', 'CONFIRMED')
                OR NOT seats.label = ANY (bookings.seats))
    """,
    "counter other than rows": """
        SELECT format('show %s counts %s held, %s sold of %s; its seats say %s, %s of %s', shows.id, shows.held,
            shows.sold, shows.capacity, counted.held, counted.sold, counted.capacity)
        FROM shows
        JOIN (
            SELECT show_id, count(*) FILTER (WHERE status = 'HELD') AS held,
                count(*) FILTER (WHERE status = 'SOLD') AS sold, count(*) AS capacity
            FROM seats
            GROUP BY show_id
        ) AS counted ON counted.show_id = shows.id
        WHERE (shows.held, shows.sold, shows.capacity) <> (counted.held, counted.sold, counted.capacity)
    """,
    "booking decided other than once": """
        SELECT format('booking %s has %s first decisions', coalesce(bookings.id, booked.booking_id),
            coalesce(booked.times, 0))
        FROM bookings
        FULL JOIN (
            SELECT booking_id, count(*) AS times
            FROM journal
            WHERE kind = 'BOOK' AND part = 0 AND outcome <> 'REFUSED'
            GROUP BY booking_id
        ) AS booked ON booked.booking_id = bookings.id
        WHERE bookings.id IS NULL OR booked.times IS DISTINCT FROM 1
    """,
    "operation decided twice": """
        SELECT format('entry %s-%s of lane %s (%s) has %s decisions of part %s', stream_ms, stream_seq, lane, epoch,
            count(*), part)
        FROM journal
        GROUP BY lane, epoch, stream_ms, stream_seq, part
        HAVING count(*) > 1
    """,
    "amount other than its seats": """
        SELECT format('booking %s costs %s, and its seats %s', id, amount_cents, seat_prices_cents)
        FROM bookings
        WHERE cardinality(seat_prices_cents) > 0
            AND amount_cents <> (SELECT sum(price) FROM unnest(seat_prices_cents) AS price)
    """,
    "seat both released and kept": """
        SELECT format('booking %s has %s, and has released %s', id, seats, released)
        FROM bookings
        WHERE seats && released
    """,
    "waiting list other than its rows": """
        SELECT format('show %s counts %s waiting, up to number %s; its bookings say %s, up to %s', shows.id,
            shows.waiting, shows.waiting_last, counted.waiting, counted.last)
        FROM shows
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE status = 'WAITING') AS waiting, coalesce(max(waiting_number), 0) AS last,
                count(waiting_number) AS numbers
            FROM bookings
            WHERE show_id = shows.id AND waiting_number IS NOT NULL
        ) AS counted
        WHERE (shows.waiting, shows.waiting_last, shows.waiting_last)
            <> (counted.waiting, counted.last, counted.numbers)
    """,
    "waiting numbers out of order": """
        SELECT format('booking %s of show %s joined the waiting list as number %s after %s', booking_id, show_id,
            number, before)
        FROM (
            SELECT booking_id, show_id, number,
                lag(number, 1, 0) OVER (PARTITION BY show_id ORDER BY seq) AS before
            FROM (
                SELECT booking_id, show_id, seq, CAST(decision ->> 'waiting_number' AS integer) AS number
                FROM journal
                WHERE kind = 'BOOK' AND outcome = 'WAITING'
            ) AS joined
        ) AS ordered
        WHERE number <> before + 1
    """,
    "offered past somebody": """
        SELECT format('booking %s was offered seats before one that waited longer for the same', booking_id)
        FROM (
            SELECT booking_id, offered,
                max(coalesce(left_list, 9223372036854775807)) OVER (
                    PARTITION BY show_id, wish ORDER BY waiting_number
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS those_ahead
            FROM bookings
            JOIN (
                SELECT booking_id, min(seq) FILTER (WHERE outcome = 'OFFERED') AS offered,
                    min(seq) FILTER (WHERE decision ->> 'status' <> 'WAITING') AS left_list
                FROM journal
                WHERE decision -> 'waiting_number' IS NOT NULL
                GROUP BY booking_id
            ) AS listed ON listed.booking_id = bookings.id
        ) AS ordered
        WHERE offered < those_ahead
    """,
    "limit per user exceeded": """
        SELECT format('user %s has %s seats of show %s', user_id, sum(cardinality(seats)), show_id)
        FROM bookings
        JOIN shows ON shows.id = show_id
        LEFT JOIN (
            SELECT show_id, max(CAST(decision -> 'settings' ->> 'seats_per_user' AS integer)) AS most
            FROM journal
            WHERE kind = 'CHANGE_SHOW'
            GROUP BY show_id
        ) AS changed USING (show_id)
        WHERE status = 'CONFIRMED' OR (status = 'PENDING' AND expires_at > clock_timestamp())
        GROUP BY user_id, show_id, changed.most, shows.settings, shows.initial_settings
        HAVING sum(cardinality(seats)) >
            greatest(changed.most, CAST(shows.settings ->> 'seats_per_user' AS integer),
                CAST(shows.initial_settings ->> 'seats_per_user' AS integer))
    """,
}


def begin_snapshot(connection: Connection) -> None:
    """Make the transaction read-only and give it one snapshot of the database for all its statements."""
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def violations(connection: Connection, check: str) -> list[str]:
    """Return the violations that one of CHECKS finds, in words."""
    return [row[0] for row in connection.execute(text(CHECKS[check]))]


def shows_as_created(connection: Connection) -> dict[int, tuple[int, ShowSettings]]:
    """Return hall and initial settings of every show, from which its replay starts."""
    statement = text("""
        SELECT id, hall_id, initial_settings
        FROM shows
    """)
    rows = connection.execute(statement)
    return {row.id: (row.hall_id, ShowSettings.from_json(row.initial_settings)) for row in rows}


def settings_now(connection: Connection) -> dict[int, ShowSettings]:
    """Return the current settings of every show."""
    rows = connection.execute(text("SELECT id, settings FROM shows"))
    return {row.id: ShowSettings.from_json(row.settings) for row in rows}


def waiting_lists(connection: Connection) -> dict[int, tuple[int, int]]:
    """Return how many wait for seats of each show, and the last number given in its waiting list."""
    rows = connection.execute(text("SELECT id, waiting, waiting_last FROM shows"))
    return {row.id: (row.waiting, row.waiting_last) for row in rows}


def every_owned_seat(connection: Connection) -> Iterator[tuple[int, str, UUID]]:
    """Yield (show, label, owner) of every owned seat, streamed."""
    statement = text("""
        SELECT show_id, label, booking_id
        FROM seats
        WHERE booking_id IS NOT NULL
    """)
    for row in connection.execute(statement, execution_options=_STREAM):
        yield row.show_id, row.label, row.booking_id


def decision_times(connection: Connection) -> Iterator[tuple[int, int, int]]:
    """Yield (lane, accepted, recorded) of every decision, by lane and seq, streamed. Both in ms: the entry id's time,
    by Redis's clock, and Postgres's."""
    statement = text("""
        SELECT lane, stream_ms, CAST(extract(epoch FROM recorded_at) * 1000 AS bigint) AS recorded_ms
        FROM journal
        ORDER BY lane, seq
    """)
    for row in connection.execute(statement, execution_options=_STREAM):
        yield row.lane, row.stream_ms, row.recorded_ms


def lanes_in_journal(connection: Connection) -> list[int]:
    """Return the numbers of all lanes."""
    return list(connection.execute(text("SELECT lane FROM lanes ORDER BY lane")).scalars())


_STREAM: dict[str, Any] = {"stream_results": True, "max_row_buffer": 5_000}
