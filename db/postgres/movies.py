"""Movies in Postgres. Administrators write them through the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from core.errors import OnsaleError
from db.postgres.engine import violated


class MovieInUse(OnsaleError):
    """The movie has shows, so it cannot be deleted."""

    code = "movie_in_use"


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie. `duration_min`: minutes."""

    id: int
    title: str
    description: str
    genre: str
    duration_min: int


def list_movies(
    connection: Connection, *, q: str | None, genre: str | None, after: tuple[str, int] | None, limit: int
) -> list[Movie]:
    """Return movies by title.

    Args:    q: a part of the title, in any case.  genre: the whole genre, in any case.
             after: only those that follow this one in the list: (title, id).
    """
    following = "AND (lower(title), id) > (lower(:title), :id)" if after else ""
    statement = text(f"""
        SELECT id, title, description, genre, duration_min
        FROM movies
        WHERE (CAST(:q AS text) IS NULL OR strpos(lower(title), lower(:q)) > 0)
            AND (CAST(:genre AS text) IS NULL OR lower(genre) = lower(:genre))
            {following}
        ORDER BY lower(title), id
        LIMIT :limit
    """)  # noqa: S608 - one of two constants
    title, id_ = after or ("", 0)
    rows = connection.execute(statement, {"q": q, "genre": genre, "limit": limit, "title": title, "id": id_})
    return [_movie(row) for row in rows]


def get_movie(connection: Connection, movie_id: int) -> Movie | None:
    """Return a movie; None if there is none."""
    statement = text("""
        SELECT id, title, description, genre, duration_min
        FROM movies
        WHERE id = :movie_id
    """)
    row = connection.execute(statement, {"movie_id": movie_id}).one_or_none()
    return _movie(row) if row else None


def insert_movie(connection: Connection, values: Mapping[str, Any]) -> Movie:
    """Add a movie and return it.

    Args:    values: title, description, genre, duration_min.
    """
    statement = text("""
        INSERT INTO movies (title, description, genre, duration_min)
        VALUES (:title, :description, :genre, :duration_min)
        RETURNING id, title, description, genre, duration_min
    """)
    return _movie(connection.execute(statement, values).one())


def update_movie(connection: Connection, movie_id: int, values: Mapping[str, Any]) -> Movie | None:
    """Replace a movie's values, named as in `insert_movie`, and return it; None if there is no such movie."""
    statement = text("""
        UPDATE movies
        SET title = :title,
            description = :description,
            genre = :genre,
            duration_min = :duration_min
        WHERE id = :movie_id
        RETURNING id, title, description, genre, duration_min
    """)
    row = connection.execute(statement, {**values, "movie_id": movie_id}).one_or_none()
    return _movie(row) if row else None


def delete_movie(connection: Connection, movie_id: int) -> bool:
    """Remove a movie; False if there was none. Raises: MovieInUse: it has shows."""
    statement = text("""
        DELETE FROM movies
        WHERE id = :movie_id
    """)
    try:
        return connection.execute(statement, {"movie_id": movie_id}).rowcount == 1
    except IntegrityError as error:
        if violated(error) == "shows_movie_exists":
            raise MovieInUse from error
        raise


def _movie(row: Row[tuple[object, ...]]) -> Movie:
    return Movie(row.id, row.title, row.description, row.genre, row.duration_min)
