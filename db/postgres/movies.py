"""Movies in Postgres. Administrators write them through the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from core.errors import InUse
from db.postgres.engine import violated


class MovieInUse(InUse):
    """The movie has shows, so it cannot be deleted."""

    code = "movie_in_use"


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie. `duration_min`: minutes.   `poster_tag`: of its uploaded picture; None if it has none."""

    id: int
    title: str
    description: str
    genre: str
    duration_min: int
    rating: str = ""
    release_date: date | None = None
    poster_url: str = ""
    poster_tag: str | None = None


#: What a new movie has if nothing is said about it.
_USUAL = {"rating": "", "release_date": None, "poster_url": ""}
_COLUMNS = """
    movies.id, title, description, genre, duration_min, rating, release_date, poster_url,
    (SELECT tag FROM posters WHERE posters.movie_id = movies.id) AS poster_tag
"""


def list_movies(
    connection: Connection, *, q: str | None, genre: str | None, after: tuple[str, int] | None, limit: int
) -> list[Movie]:
    """Return movies by title.

    Args:    q: a part of the title, in any case.  genre: the whole genre, in any case.
             after: only those that follow this one in the list: (title, id).
    """
    following = "AND (lower(title), id) > (lower(:title), :id)" if after else ""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM movies
        WHERE (CAST(:q AS text) IS NULL OR strpos(lower(title), lower(:q)) > 0)
            AND (CAST(:genre AS text) IS NULL OR lower(genre) = lower(:genre))
            {following}
        ORDER BY lower(title), id
        LIMIT :limit
    """)  # noqa: S608 - constants
    title, id_ = after or ("", 0)
    rows = connection.execute(statement, {"q": q, "genre": genre, "limit": limit, "title": title, "id": id_})
    return [_movie(row) for row in rows]


def get_movie(connection: Connection, movie_id: int) -> Movie | None:
    """Return a movie; None if there is none."""
    statement = text(f"""
        SELECT {_COLUMNS}
        FROM movies
        WHERE id = :movie_id
    """)  # noqa: S608 - constants
    row = connection.execute(statement, {"movie_id": movie_id}).one_or_none()
    return _movie(row) if row else None


def insert_movie(connection: Connection, values: Mapping[str, Any]) -> Movie:
    """Add a movie and return it.

    Args:    values: title, description, genre, duration_min; rating, release_date, poster_url if there are any.
    """
    statement = text(f"""
        INSERT INTO movies (title, description, genre, duration_min, rating, release_date, poster_url)
        VALUES (:title, :description, :genre, :duration_min, :rating, :release_date, :poster_url)
        RETURNING {_COLUMNS}
    """)  # noqa: S608 - constants
    return _movie(connection.execute(statement, {**_USUAL, **values}).one())


def update_movie(connection: Connection, movie_id: int, values: Mapping[str, Any]) -> Movie | None:
    """Replace a movie's values, named as in `insert_movie`, and return it; None if there is no such movie."""
    statement = text(f"""
        UPDATE movies
        SET title = :title,
            description = :description,
            genre = :genre,
            duration_min = :duration_min,
            rating = :rating,
            release_date = :release_date,
            poster_url = :poster_url
        WHERE id = :movie_id
        RETURNING {_COLUMNS}
    """)  # noqa: S608 - constants
    row = connection.execute(statement, {**_USUAL, **values, "movie_id": movie_id}).one_or_none()
    return _movie(row) if row else None


def delete_movie(connection: Connection, movie_id: int) -> bool:
    """Remove a movie and its poster; False if there was none. Raises: MovieInUse: it has shows."""
    showing = text("SELECT id FROM shows WHERE movie_id = :movie_id ORDER BY id LIMIT 10")
    if ids := connection.execute(showing, {"movie_id": movie_id}).scalars().all():
        raise MovieInUse("shows", ids)
    statement = text("""
        DELETE FROM movies
        WHERE id = :movie_id
    """)
    try:
        return connection.execute(statement, {"movie_id": movie_id}).rowcount == 1
    except IntegrityError as error:
        if violated(error) == "shows_movie_exists":  # a show that was added just now
            raise MovieInUse("shows") from error
        raise


def _movie(row: Row[tuple[object, ...]]) -> Movie:
    return Movie(
        id=row.id,
        title=row.title,
        description=row.description,
        genre=row.genre,
        duration_min=row.duration_min,
        rating=row.rating,
        release_date=row.release_date,
        poster_url=row.poster_url,
        poster_tag=row.poster_tag,
    )
