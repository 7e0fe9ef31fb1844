"""The catalogue's movies: everybody reads, administrators write."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint

from api import answers, cursors, links, schemas
from api.describe import route
from api.listings import listings
from api.problems import problem
from api.reading import read_body, read_query
from api.rendering import PUBLIC, answer, created, movie_json
from api.stores import stores
from api.tokens import admin_required
from db import movies
from db.engine import transaction

ONE = f"/<int(max={schemas.MAX_ID}):movie_id>"

blueprint = Blueprint("movies", __name__, url_prefix="/api/movies", description="What is played.")


@route(blueprint, "GET", "", query=schemas.MOVIES_QUERY, answers={200: answers.MOVIES}, errors=(400, 503))
def list_movies() -> Response:
    """Movies by title, searched by a part of it or by genre."""
    query = read_query(schemas.MOVIES_QUERY)
    limit, after = query["limit"], cursors.MOVIES.read(query["cursor"])
    with transaction(stores().engine) as connection:
        found = movies.list_movies(
            connection, q=query.get("q"), genre=query.get("genre"), after=after, limit=limit + 1
        )
    page = cursors.MOVIES.page("movies", found, limit, movie_json, lambda movie: (movie.title, movie.id))
    return answer(page, headers=PUBLIC)


@route(blueprint, "GET", ONE, answers={200: answers.MOVIE}, errors=(404, 503))
def get_movie(movie_id: int) -> Response:
    """One movie."""
    with transaction(stores().engine) as connection:
        movie = movies.get_movie(connection, movie_id)
    return answer(movie_json(movie), headers=PUBLIC) if movie else _no_such_movie()


@route(
    blueprint,
    "POST",
    "",
    body=schemas.MOVIE_REQUEST,
    answers={201: answers.MOVIE},
    leads={201: links.MOVIE},
    headers={201: ("Location",)},
    errors=(403, 503),
    secured=True,
)
@admin_required
def create_movie() -> Response:
    """Add a movie."""
    values = read_body(schemas.MOVIE_REQUEST)
    with transaction(stores().engine) as connection:
        movie = movies.insert_movie(connection, values)
    return created(movie_json(movie), f"/api/movies/{movie.id}")


@route(
    blueprint,
    "PUT",
    ONE,
    body=schemas.MOVIE_REQUEST,
    answers={200: answers.MOVIE},
    errors=(403, 404, 503),
    secured=True,
)
@admin_required
def replace_movie(movie_id: int) -> Response:
    """Replace a movie's values; what is left out is emptied."""
    values = read_body(schemas.MOVIE_REQUEST)
    with transaction(stores().engine) as connection:
        movie = movies.update_movie(connection, movie_id, values)
    listings().drop()
    return answer(movie_json(movie)) if movie else _no_such_movie()


@route(blueprint, "DELETE", ONE, answers={204: None}, errors=(403, 404, 409, 503), secured=True)
@admin_required
def delete_movie(movie_id: int) -> Response:
    """Remove a movie that has no shows."""
    with transaction(stores().engine) as connection:
        deleted = movies.delete_movie(connection, movie_id)
    return Response(status=204) if deleted else _no_such_movie()


def _no_such_movie() -> Response:
    return problem(404, "no_such_movie", "There is no such movie.")
