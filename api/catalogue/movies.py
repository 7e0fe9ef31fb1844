"""The catalogue's movies: readable by everybody, written by administrators."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import pages, public
from api.shapes import answers, catalogue_requests, links, requests
from api.web.backend import backend
from api.web.catalogue_json import movie_json, view
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body, read_query
from api.web.serializers import answer, created
from db.kv import catalogue_pages
from db.kv.catalogue_pages import Kind
from db.postgres import movies
from db.postgres.engine import transaction

ONE = f"/<int(max={requests.MAX_ID}):movie_id>"

blueprint = Blueprint("movies", __name__, url_prefix="/api/movies", description="Movies.")


@route(
    blueprint, "GET", "", query=catalogue_requests.MOVIES_QUERY, request_headers=("If-None-Match",),
    answers={200: answers.MOVIES, 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(400, 503),
)  # fmt: skip
def list_movies() -> Response:
    """List movies by title, filtered by part of the title or by genre."""
    query, view_ = read_query(catalogue_requests.MOVIES_QUERY), view()
    page = catalogue_pages.page(Kind.MOVIES, ("list", *query.items(), view_))
    response = public.respond(page, lambda connection: pages.movies_page(connection, query, view_))
    assert response is not None
    return response


@route(
    blueprint, "GET", ONE, request_headers=("If-None-Match",), answers={200: answers.MOVIE_DETAIL, 304: None},
    headers={200: ("ETag",), 304: ("ETag",)}, errors=(404, 503),
)  # fmt: skip
def get_movie(movie_id: int) -> Response:
    """Show a movie with its next shows."""
    view_ = view()
    page = catalogue_pages.page(Kind.SHOWS, ("movie", movie_id, view_))
    return public.respond(page, lambda connection: pages.movie_detail(connection, movie_id, view_)) or no_such_movie()


@route(
    blueprint,
    "POST",
    "",
    body=catalogue_requests.MOVIE_REQUEST,
    answers={201: answers.MOVIE},
    leads={201: links.MOVIE},
    headers={201: ("Location",)},
    errors=(403, 503),
    secured=True,
)
@admin_required
def create_movie() -> Response:
    """Add a movie."""
    values = read_body(catalogue_requests.MOVIE_REQUEST)
    with transaction(backend().engine) as connection:
        movie = movies.insert_movie(connection, values)
        audit.done(connection, "movie.create", f"movie {movie.id}", after=movie_json(movie))
    public.changed(Kind.MOVIES)
    return created(movie_json(movie), f"/api/movies/{movie.id}")


@route(
    blueprint,
    "PUT",
    ONE,
    body=catalogue_requests.MOVIE_REQUEST,
    answers={200: answers.MOVIE},
    errors=(403, 404, 503),
    secured=True,
)
@admin_required
def replace_movie(movie_id: int) -> Response:
    """Replace a movie; fields left out become empty. Its uploaded poster remains."""
    values = read_body(catalogue_requests.MOVIE_REQUEST)
    with transaction(backend().engine) as connection:
        before = movies.get_movie(connection, movie_id)
        movie = movies.update_movie(connection, movie_id, values)
        if before and movie:
            audit.done(connection, "movie.replace", f"movie {movie_id}", movie_json(before), movie_json(movie))
    public.changed(Kind.MOVIES, Kind.SHOWS)
    return answer(movie_json(movie, view().prefix)) if movie else no_such_movie()


@route(blueprint, "DELETE", ONE, answers={204: None}, errors=(403, 404, 409, 503), secured=True)
@admin_required
def delete_movie(movie_id: int) -> Response:
    """Delete a movie that has no shows, with its poster."""
    with transaction(backend().engine) as connection:
        before = movies.get_movie(connection, movie_id)
        deleted = movies.delete_movie(connection, movie_id)
        if before and deleted:
            audit.done(connection, "movie.delete", f"movie {movie_id}", before=movie_json(before))
    public.changed(Kind.MOVIES, Kind.SHOWS)
    return Response(status=204) if deleted else no_such_movie()


def no_such_movie() -> Response:
    """Return the answer to a request for a movie that does not exist."""
    return problem(404, "no_such_movie", "There is no such movie.")
