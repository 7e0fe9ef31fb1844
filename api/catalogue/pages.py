"""The bodies of the catalogue's public answers, read from Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from api.web import cursors
from api.web.catalogue_json import View, hall_json, movie_json, show_json
from db.postgres import catalogue, halls, movies
from db.postgres.catalogue import ShowListing, Wanted

Body = dict[str, Any]
#: The most shows that a movie's detail has.
MOVIES_SHOWS = 100


def movies_page(connection: Connection, query: Mapping[str, Any], view: View) -> Body:
    """Return a page of movies. `query`: as api/shapes/catalogue_requests.py MoviesQuery. Raises: InvalidCursor."""
    limit, after = query["limit"], cursors.MOVIES.read(query["cursor"])
    found = movies.list_movies(connection, q=query.get("q"), genre=query.get("genre"), after=after, limit=limit + 1)
    return cursors.MOVIES.page(
        "movies", found, limit, lambda movie: movie_json(movie, view.prefix), lambda movie: (movie.title, movie.id)
    )


def movie_detail(connection: Connection, movie_id: int, view: View) -> Body | None:
    """Return a movie with its next shows; None if there is no such movie."""
    movie = movies.get_movie(connection, movie_id)
    if movie is None:
        return None
    wanted = Wanted(movie_id=movie_id)
    found = catalogue.list_upcoming(connection, wanted, after=None, limit=MOVIES_SHOWS + 1)
    page = _shows(found, MOVIES_SHOWS, view)
    return {**movie_json(movie, view.prefix), "shows": page["shows"], "next_cursor": page["next_cursor"]}


def shows_page(connection: Connection, query: Mapping[str, Any], view: View) -> Body:
    """Return a page of upcoming shows. Raises: InvalidCursor.

    Args: query: as api/shapes/catalogue_requests.py ShowsQuery.
    """
    filters = {name: value for name, value in query.items() if name not in ("limit", "cursor")}
    wanted, after = Wanted(**filters, time_zone=view.time_zone), cursors.SHOWS.read(query["cursor"])
    return _shows(
        catalogue.list_upcoming(connection, wanted, after=after, limit=query["limit"] + 1), query["limit"], view
    )


def show_detail(connection: Connection, show_id: int, view: View) -> Body | None:
    """Return a show; None if there is no such show."""
    show = catalogue.get_show(connection, show_id)
    return show_json(show, view) if show else None


def halls_page(connection: Connection, query: Mapping[str, Any], view: View) -> Body:
    """Return a page of halls. `query`: as api/shapes/requests.py PageQuery. Raises: InvalidCursor."""
    limit, after = query["limit"], cursors.HALLS.read(query["cursor"])
    found = halls.list_halls(connection, after=after, limit=limit + 1)
    return cursors.HALLS.page(
        "halls", found, limit, lambda hall: hall_json(hall, view.time_zone), lambda hall: (hall.name, hall.id)
    )


def hall_detail(connection: Connection, hall_id: int, view: View) -> Body | None:
    """Return a hall with its plan; None if there is no such hall."""
    hall = halls.get_hall(connection, hall_id, drawn=True)
    return {**hall_json(hall, view.time_zone), "plan": hall.plan} if hall else None


def _shows(found: list[ShowListing], limit: int, view: View) -> Body:
    return cursors.SHOWS.page(
        "shows", found, limit, lambda show: show_json(show, view), lambda show: (show.settings.starts_ms, show.id)
    )
