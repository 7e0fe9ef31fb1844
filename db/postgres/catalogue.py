"""Shows in the catalogue: list, read and create them, and read seat maps.

Existing shows and seats are changed only by lane transactions. A new show has no operations yet, so it may be
inserted here together with its seats.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from core.errors import InUse, OnsaleError
from core.shows import ShowSettings
from core.time_zones import day_bounds
from core.times import from_ms
from db.postgres.engine import allow, as_json, violated
from db.postgres.halls import HallGone


class NoSuchMovie(OnsaleError):
    """There is no such movie."""

    code = "no_such_movie"


class ShowInUse(InUse):
    """The show has bookings, or other decisions in the journal, so it cannot be deleted."""

    code = "show_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowListing:
    """One show with its movie and hall, as visitors see it.

    `name`: its own, or its movie's title. `movie_id` and what belongs to the movie are None for a show without one.
    `time_zone`: of its hall; None: the installation's.
    """

    id: int
    name: str
    movie_id: int | None
    title: str | None
    genre: str | None
    duration_min: int | None
    rating: str | None
    poster_url: str | None
    poster_tag: str | None
    hall_id: int
    hall_name: str
    time_zone: str | None
    settings: ShowSettings
    capacity: int
    held: int
    sold: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which upcoming shows a list has; None and False: no matter.

    `q`: a part of the name or of the movie's title, in any case.   `genre`: the whole genre, in any case.
    `day`: on which the show starts where its hall is; `time_zone`: of halls that do not name their own.
    `free`: only shows with free seats.
    """

    movie_id: int | None = None
    q: str | None = None
    genre: str | None = None
    day: date | None = None
    time_zone: str = "UTC"
    free: bool = False


@dataclass(frozen=True, slots=True)
class TakenSeats:
    """The held and sold seats of a show, and its settings, at one of its versions."""

    hall_id: int
    version: int
    held: frozenset[str]
    sold: frozenset[str]
    settings: ShowSettings


_LISTED = """
    shows.id, shows.movie_id, movies.genre, movies.duration_min, movies.rating, movies.poster_url,
    posters.tag AS poster_tag, shows.hall_id, halls.name AS hall_name, halls.time_zone,
    shows.settings, shows.capacity, shows.held, shows.sold, shows.version
"""
_JOINED = """
    shows
    LEFT JOIN movies ON movies.id = shows.movie_id
    LEFT JOIN posters ON posters.movie_id = shows.movie_id
    JOIN halls ON halls.id = shows.hall_id
"""
_ON_DAY = """
    JOIN json_to_recordset(CAST(:days AS json)) AS day (zone text, begins timestamptz, ends timestamptz)
        ON day.zone = coalesce(halls.time_zone, :time_zone)
        AND shows.starts_at >= day.begins AND shows.starts_at < day.ends
"""


def list_upcoming(
    connection: Connection, wanted: Wanted, *, after: tuple[int, int] | None, limit: int
) -> list[ShowListing]:
    """Return shows that have not begun, by start; copies for rehearsals are not among them.

    Args:    after: only those that follow this one in the list: (start, ms; id).
    """
    following = "AND (shows.starts_at, shows.id) > (:starts_at, :id)" if after else ""
    free = "AND shows.held + shows.sold < shows.capacity" if wanted.free else ""
    statement = text(f"""
        SELECT coalesce(shows.name, movies.title) AS name, movies.title, {_LISTED}
        FROM {_JOINED} {_ON_DAY if wanted.day else ""}
        WHERE shows.starts_at > now() AND shows.rehearsal_of IS NULL
            AND (CAST(:movie_id AS integer) IS NULL OR shows.movie_id = :movie_id)
            AND (CAST(:genre AS text) IS NULL OR lower(movies.genre) = lower(:genre))
            AND (CAST(:q AS text) IS NULL OR strpos(lower(shows.name), lower(:q)) > 0
                OR strpos(lower(movies.title), lower(:q)) > 0)
            {free} {following}
        ORDER BY shows.starts_at, shows.id
        LIMIT :limit
    """)  # noqa: S608 - constants
    starts_ms, id_ = after or (0, 0)
    values: dict[str, Any] = {"movie_id": wanted.movie_id, "genre": wanted.genre, "q": wanted.q, "limit": limit}
    values |= {"starts_at": from_ms(starts_ms), "id": id_}
    if wanted.day:
        values |= {"days": _days(connection, wanted.day, wanted.time_zone), "time_zone": wanted.time_zone}
    return [_listing(row) for row in connection.execute(statement, values)]


def _days(connection: Connection, day: date, time_zone: str) -> str:
    """Return when a day begins and ends in each time zone that a hall has, as JSON rows.

    Not by Postgres's AT TIME ZONE: Postgres may know other time zones than this program.
    """
    rows = connection.execute(text("SELECT DISTINCT time_zone FROM halls WHERE time_zone IS NOT NULL"))
    bounds = {zone: day_bounds(day, zone) for zone in {time_zone, *rows.scalars()}}
    return as_json(
        [{"zone": zone, "begins": from_ms(begins), "ends": from_ms(ends)} for zone, (begins, ends) in bounds.items()]
    )


def get_show(connection: Connection, show_id: int) -> ShowListing | None:
    """Return a show, whether it has begun or not; None if there is none. A rehearsal's copy says so in its title."""
    statement = text(f"""
        SELECT called || coalesce(shows.name, movies.title) AS name, called || movies.title AS title, {_LISTED}
        FROM {_JOINED}
        CROSS JOIN LATERAL (SELECT CASE WHEN shows.rehearsal_of IS NULL THEN '' ELSE 'Rehearsal of ' END AS called)
        WHERE shows.id = :show_id
    """)  # noqa: S608 - constants
    row = connection.execute(statement, {"show_id": show_id}).one_or_none()
    return _listing(row) if row else None


def insert_show(
    connection: Connection,
    *,
    movie_id: int | None,
    hall_id: int,
    settings: ShowSettings,
    capacity: int,
    name: str | None = None,
) -> int:
    """Add a show and return its id. Its seats must follow in the same transaction.

    Args:    name: of a show without a movie, or one that is not called as its movie.
    Raises:  NoSuchMovie, HallGone.
    """
    statement = text("""
        INSERT INTO shows (name, movie_id, hall_id, starts_at, settings, initial_settings, capacity)
        VALUES (:name, :movie_id, :hall_id, :starts_at, :settings, :settings, :capacity)
        RETURNING id
    """).bindparams(bindparam("settings", type_=JSONB))
    values = {
        "name": name,
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
        if violated(error) == "shows_hall_exists":
            raise HallGone from error
        raise
    return id_


def delete_unused_show(connection: Connection, show_id: int) -> bool:
    """Remove a show and its seats; False if there was none. Raises: ShowInUse: it has bookings or other decisions.

    Locks: the show's row, until the transaction ends. Requests in its lane are decided NO_SUCH_SHOW afterwards.
    """
    statement = text("SELECT delete_unused_show(:show_id)")
    outcome = connection.execute(statement, {"show_id": show_id}).scalar_one()
    if outcome == "BOOKINGS":
        some = text("SELECT id FROM bookings WHERE id BETWEEN :first AND :last ORDER BY id LIMIT 10")
        first, last = UUID(int=show_id << 96), UUID(int=(show_id + 1 << 96) - 1)
        raise ShowInUse("bookings", connection.execute(some, {"first": first, "last": last}).scalars().all())
    if outcome == "DECISIONS":
        raise ShowInUse("decisions")
    return bool(outcome == "DELETED")


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
        name=row.name,
        movie_id=row.movie_id,
        title=row.title,
        genre=row.genre,
        duration_min=row.duration_min,
        rating=row.rating,
        poster_url=row.poster_url,
        poster_tag=row.poster_tag,
        hall_id=row.hall_id,
        hall_name=row.hall_name,
        time_zone=row.time_zone,
        settings=ShowSettings.from_json(row.settings),
        capacity=row.capacity,
        held=row.held,
        sold=row.sold,
        version=row.version,
    )
