"""Waiting lists in Postgres: the bookings with status WAITING, by their number; and shows with something to end."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, text

from db.postgres.engine import as_json, execute


def first(connection: Connection, limits: Mapping[int, int]) -> list[UUID]:
    """Return the ids of the first bookings of some waiting lists. `limits`: show -> how many at most."""
    statement = """
        SELECT id
        FROM json_to_recordset(CAST(:wanted AS json)) AS wanted (wanted_show_id integer, most integer)
        CROSS JOIN LATERAL (
            SELECT id
            FROM bookings
            WHERE status = 'WAITING' AND show_id = wanted_show_id
            ORDER BY waiting_number
            LIMIT most
        ) AS first
    """
    wanted = as_json([{"wanted_show_id": show_id, "most": most} for show_id, most in limits.items()])
    return [row.id for row in execute(connection, statement, {"wanted": wanted})]


def numbers(connection: Connection, show_id: int) -> tuple[list[int], int]:
    """Return the numbers of those who wait for seats of a show, in order, and the last number given."""
    statement = text("""
        SELECT waiting_last, ARRAY(
            SELECT waiting_number
            FROM bookings
            WHERE status = 'WAITING' AND show_id = :show_id
            ORDER BY waiting_number
        ) AS numbers
        FROM shows
        WHERE id = :show_id
    """)
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    return (list(row.numbers), row.waiting_last) if row else ([], 0)


def first_live(connection: Connection, limits: Mapping[int, int]) -> list[UUID]:
    """Return the ids of the first live bookings of some shows, by user and id. `limits`: show -> how many at most."""
    statement = """
        SELECT id
        FROM json_to_recordset(CAST(:wanted AS json)) AS wanted (wanted_show_id integer, most integer)
        CROSS JOIN LATERAL (
            SELECT id
            FROM bookings
            WHERE status IN ('PENDING', 'CONFIRMED') AND show_id = wanted_show_id
            ORDER BY user_id, id
            LIMIT most
        ) AS first
    """
    wanted = as_json([{"wanted_show_id": show_id, "most": most} for show_id, most in limits.items()])
    return [row.id for row in execute(connection, statement, {"wanted": wanted})]


def shows_to_expire(connection: Connection, at_ms: int) -> list[int]:
    """Return the shows for which an Expire has something to do, apart from lapsed holds.

    Their waiting list has ended with their sale, or free seats are still due to it; or they are cancelled, and have
    live bookings.
    """
    statement = text("""
        SELECT id
        FROM (
            SELECT id, offers_due, settings ->> 'state' AS state,
                CAST(settings ->> 'sales_open_ms' AS bigint) AS opens,
                least(CAST(settings ->> 'sales_close_ms' AS bigint), CAST(settings ->> 'starts_ms' AS bigint))
                    AS closes
            FROM shows
            WHERE waiting > 0
        ) AS listed
        WHERE state = 'CLOSED' OR closes <= :at_ms OR (offers_due AND state = 'ON_SALE' AND opens <= :at_ms)
        UNION
        SELECT id
        FROM shows
        WHERE settings @> '{"cancelled": true}' AND held + sold > 0
    """)
    return list(connection.execute(statement, {"at_ms": at_ms}).scalars())
