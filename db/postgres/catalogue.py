"""Shows as the catalogue shows them: listed, read, created; and the seat map.

What a show sells is changed elsewhere, in its lane's transaction. A new show has no lane operations yet, so
it may be inserted here with all its seats at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from core.errors import OnsaleError
from core.shows import ShowSettings
from core.times import from_ms
from db.postgres.engine import allow, violated


class NoSuchMovie(OnsaleError):
    """There is no such movie."""

    code = "no_such_movie"


@dataclass(frozen=True, slots=True)
class ShowListing:
    """One show with what a visitor wants to know of it."""

    id: int
    movie_id: int
    title: str
    genre: str
    duration_min: int
    hall_id: int
    hall_name: str
    settings: ShowSettings
    capacity: int
    held: int
    sold: int
    version: int


@dataclass(frozen=True, slots=True)
class TakenSeats:
    """The seats of a show that cannot be had, at one version of it."""

    hall_id: int
    version: int
    held: frozenset[str]
    sold: frozenset[str]


def list_upcoming(
    connection: Connection, *, movie_id: int | None, after: tuple[int, int] | None, limit: int
) -> list[ShowListing]:
    """Shows that have not begun, the next one first.

    Args:    after: only those behind this place in the list: (start, ms; id).
    """
    behind = "AND (shows.starts_at, shows.id) > (:starts_at, :id)" if after else ""
    statement = text(
        f"""
        SELECT shows.id, shows.movie_id, movies.title, movies.genre, movies.duration_min, shows.hall_id,
               halls.name AS hall_name, shows.settings, shows.capacity, shows.held, shows.sold, shows.version
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        JOIN halls ON halls.id = shows.hall_id
        WHERE shows.starts_at > now()
          AND (CAST(:movie_id AS integer) IS NULL OR shows.movie_id = :movie_id)
          {behind}
        ORDER BY shows.starts_at, shows.id
        LIMIT :limit
        """  # noqa: S608 - one of two constants
    )
    starts_ms, id_ = after or (0, 0)
    values = {"movie_id": movie_id, "limit": limit, "starts_at": from_ms(starts_ms), "id": id_}
    rows = connection.execute(statement, values)
    return [_listing(row) for row in rows]


def get_show(connection: Connection, show_id: int) -> ShowListing | None:
    """One show, begun or not."""
    statement = text(
        """
        SELECT shows.id, shows.movie_id, movies.title, movies.genre, movies.duration_min, shows.hall_id,
               halls.name AS hall_name, shows.settings, shows.capacity, shows.held, shows.sold, shows.version
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        JOIN halls ON halls.id = shows.hall_id
        WHERE shows.id = :show_id
        """
    )
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    return _listing(row) if row else None


def insert_show(connection: Connection, *, movie_id: int, hall_id: int, settings: ShowSettings, capacity: int) -> int:
    """Add a show and return its id. Its seats must follow in the same transaction.

    Raises: NoSuchMovie.
    """
    statement = text(
        """
        INSERT INTO shows (movie_id, hall_id, starts_at, settings, initial_settings, capacity)
        VALUES (:movie_id, :hall_id, :starts_at, :settings, :settings, :capacity)
        RETURNING id
        """
    ).bindparams(bindparam("settings", type_=JSONB))
    values = {
        "movie_id": movie_id,
        "hall_id": hall_id,
        "starts_at": from_ms(settings.starts_ms),
        "settings": settings.to_json(),
        "capacity": capacity,
    }
    try:
        id_: int = connection.execute(statement, values).scalar_one()
    except IntegrityError as error:
        if violated(error) == "shows_movie_exists":
            raise NoSuchMovie from error
        raise
    return id_


def allow_long_statements(connection: Connection) -> None:
    """Let the rest of this transaction take half a minute a statement: a stadium has 200,000 seats."""
    allow(connection, statement_timeout_ms=30_000)


def insert_seats(connection: Connection, show_id: int, labels: Iterable[str]) -> None:
    """Give a new show its seats, all of them free."""
    statement = text(
        """
        INSERT INTO seats (show_id, label)
        SELECT :show_id, label
        FROM unnest(CAST(:labels AS text[])) AS label
        """
    )
    # In one piece, as letters and digits need no quotes: psycopg writes a list item by item, in Python.
    connection.execute(statement, {"show_id": show_id, "labels": "{" + ",".join(labels) + "}"})


def get_version(connection: Connection, show_id: int) -> int | None:
    """A show's version, which grows with every change of its seats; None if there is no such show."""
    statement = text(
        """
        SELECT version
        FROM shows
        WHERE id = :show_id
        """
    )
    version: int | None = connection.execute(statement, {"show_id": show_id}).scalar_one_or_none()
    return version


def get_taken_seats(connection: Connection, show_id: int) -> TakenSeats | None:
    """The seats that cannot be had and the version they belong to, in one snapshot."""
    statement = text(
        """
        SELECT hall_id, version,
               ARRAY(SELECT label FROM seats WHERE show_id = shows.id AND status = 'HELD') AS held,
               ARRAY(SELECT label FROM seats WHERE show_id = shows.id AND status = 'SOLD') AS sold
        FROM shows
        WHERE id = :show_id
        """
    )
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    return TakenSeats(row.hall_id, row.version, frozenset(row.held), frozenset(row.sold)) if row else None


def _listing(row: Row[tuple[object, ...]]) -> ShowListing:
    return ShowListing(
        id=row.id,
        movie_id=row.movie_id,
        title=row.title,
        genre=row.genre,
        duration_min=row.duration_min,
        hall_id=row.hall_id,
        hall_name=row.hall_name,
        settings=ShowSettings.from_json(row.settings),
        capacity=row.capacity,
        held=row.held,
        sold=row.sold,
        version=row.version,
    )
