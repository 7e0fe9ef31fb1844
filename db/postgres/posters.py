"""Posters in Postgres: at most one uploaded picture per movie. Administrators write them through the API."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from db.postgres.engine import violated


@dataclass(frozen=True, slots=True)
class Poster:
    """A picture. `tag`: of its content, in hexadecimal digits."""

    media_type: str
    tag: str
    image: bytes


def put(connection: Connection, movie_id: int, poster: Poster) -> bool:
    """Store a movie's picture in place of the one it has; return False if there is no such movie."""
    statement = text("""
        INSERT INTO posters (movie_id, media_type, tag, image)
        VALUES (:movie_id, :media_type, :tag, :image)
        ON CONFLICT (movie_id) DO UPDATE
        SET media_type = excluded.media_type, tag = excluded.tag, image = excluded.image, stored_at = now()
    """)
    values = {
        "movie_id": movie_id,
        "media_type": poster.media_type,
        "tag": poster.tag,
        "image": poster.image,
    }
    try:
        connection.execute(statement, values)
    except IntegrityError as error:
        if violated(error) == "posters_movie_exists":
            return False
        raise
    return True


def get(connection: Connection, movie_id: int) -> Poster | None:
    """Return a movie's picture; None if it has none."""
    statement = text("SELECT media_type, tag, image FROM posters WHERE movie_id = :movie_id")
    row = connection.execute(statement, {"movie_id": movie_id}).one_or_none()
    return Poster(row.media_type, row.tag, bytes(row.image)) if row else None


def get_tag(connection: Connection, movie_id: int) -> str | None:
    """Return the tag of a movie's picture, without reading the picture; None if it has none."""
    statement = text("SELECT tag FROM posters WHERE movie_id = :movie_id")
    tag: str | None = connection.execute(statement, {"movie_id": movie_id}).scalar_one_or_none()
    return tag


def delete(connection: Connection, movie_id: int) -> bool:
    """Remove a movie's picture; return False if it had none."""
    statement = text("DELETE FROM posters WHERE movie_id = :movie_id")
    return connection.execute(statement, {"movie_id": movie_id}).rowcount == 1
