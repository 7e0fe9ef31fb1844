"""Shows in the catalogue: list, read and create them, and read seat maps.

Existing shows and seats are changed only by lane transactions. A new show has no operations yet, so it may be
inserted here together with its seats.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
    """One show with its movie and hall, as visitors see it."""

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
    """The held and sold seats of a show, and its settings, at one of its versions."""

    hall_id: int
    version: int
    held: frozenset[str]
    sold: frozenset[str]
    settings: ShowSettings


def list_upcoming(
    connection: Connection, *, movie_id: int | None, after: tuple[int, int] | None, limit: int
) -> list[ShowListing]:
    """Return shows that have not begun, by start; copies for rehearsals are not among them.

    Args:    after: only those that follow this one in the list: (start, ms; id).
    """
    following = "AND (shows.starts_at, shows.id) > (:starts_at, :id)" if after else ""
    statement = text(f"""
        SELECT shows.id, shows.movie_id, movies.title, movies.genre, movies.duration_min, shows.hall_id,
            halls.name AS hall_name, shows.settings, shows.capacity, shows.held, shows.sold, shows.version
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        JOIN halls ON halls.id = shows.hall_id
        WHERE shows.starts_at > now() AND shows.rehearsal_of IS NULL
            AND (CAST(:movie_id AS integer) IS NULL OR shows.movie_id = :movie_id)
            {following}
        ORDER BY shows.starts_at, shows.id
        LIMIT :limit
    """)  # noqa: S608 - one of two constants
    starts_ms, id_ = after or (0, 0)
    values = {"movie_id": movie_id, "limit": limit, "starts_at": from_ms(starts_ms), "id": id_}
    rows = connection.execute(statement, values)
    return [_listing(row) for row in rows]


def get_show(connection: Connection, show_id: int) -> ShowListing | None:
    """Return a show, whether it has begun or not; None if there is none. A rehearsal's copy says so in its title."""
    statement = text("""
        SELECT shows.id, shows.movie_id,
            CASE WHEN shows.rehearsal_of IS NULL THEN movies.title ELSE 'Rehearsal of ' || movies.title END AS title,
            movies.genre, movies.duration_min, shows.hall_id,
            halls.name AS hall_name, shows.settings, shows.capacity, shows.held, shows.sold, shows.version
        FROM shows
        JOIN movies ON movies.id = shows.movie_id
        JOIN halls ON halls.id = shows.hall_id
        WHERE shows.id = :show_id
    """)
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    return _listing(row) if row else None


def insert_show(connection: Connection, *, movie_id: int, hall_id: int, settings: ShowSettings, capacity: int) -> int:
    """Add a show and return its id. Its seats must follow in the same transaction.

    Raises: NoSuchMovie.
    """
    statement = text("""
        INSERT INTO shows (movie_id, hall_id, starts_at, settings, initial_settings, capacity)
        VALUES (:movie_id, :hall_id, :starts_at, :settings, :settings, :capacity)
        RETURNING id
    """).bindparams(bindparam("settings", type_=JSONB))
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
    """Allow 30 s for each further statement of this transaction: a stadium has 200,000 seats to insert."""
    allow(connection, statement_timeout_ms=30_000)


def insert_seats(connection: Connection, show_id: int, labels: Iterable[str]) -> None:
    """Insert the seats of a new show, all free."""
    statement = text("""
        INSERT INTO seats (show_id, label)
        SELECT :show_id, label
        FROM unnest(CAST(:labels AS text[])) AS label
    """)
    # One array literal (letters and digits need no quotes): psycopg would convert a list item by item, in Python.
    connection.execute(statement, {"show_id": show_id, "labels": "{" + ",".join(labels) + "}"})


def get_version(connection: Connection, show_id: int) -> int | None:
    """Return a show's version, which grows with every change of its seats; None if there is no such show."""
    statement = text("""
        SELECT version
        FROM shows
        WHERE id = :show_id
    """)
    version: int | None = connection.execute(statement, {"show_id": show_id}).scalar_one_or_none()
    return version


def get_versions(connection: Connection, show_ids: Collection[int]) -> dict[int, int]:
    """Return the versions of some shows, by show id; shows that do not exist are missing."""
    statement = text("""
        SELECT id, version
        FROM shows
        WHERE id = ANY(CAST(:show_ids AS integer[]))
    """)
    rows = connection.execute(statement, {"show_ids": list(show_ids)})
    return {row.id: row.version for row in rows}


def get_taken_seats(connection: Connection, show_id: int) -> TakenSeats | None:
    """Return the held and sold seats of a show with its version, in one snapshot; None if there is no such show."""
    statement = text("""
        SELECT hall_id, version, settings,
            ARRAY(SELECT label FROM seats WHERE show_id = shows.id AND status = 'HELD') AS held,
            ARRAY(SELECT label FROM seats WHERE show_id = shows.id AND status = 'SOLD') AS sold
        FROM shows
        WHERE id = :show_id
    """)
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    if row is None:
        return None
    settings = ShowSettings.from_json(row.settings)
    return TakenSeats(row.hall_id, row.version, frozenset(row.held), frozenset(row.sold), settings)


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
