"""Posters: the uploaded pictures of movies, readable by everybody, written by administrators."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from api.access import audit
from api.access.tokens import admin_required
from api.catalogue import public
from api.catalogue.movies import ONE, no_such_movie
from api.shapes import answers, catalogue_requests
from api.web.backend import backend
from api.web.catalogue_json import movie_json, view
from api.web.conditional import has_version
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_query, read_upload
from api.web.serializers import answer
from core.images import MEDIA_TYPES, recognise
from db.kv.catalogue_pages import Kind
from db.postgres import movies, posters
from db.postgres.engine import transaction
from db.postgres.posters import Poster

#: Max bytes of a poster.
MAX_POSTER_BYTES = 2 * 1024 * 1024
#: Cache-Control of a picture that is requested by its tag, which no other picture has, and of one that is not.
FOR_EVER, FOR_AN_HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"

blueprint = Blueprint("posters", __name__, url_prefix="/api/movies", description="Posters of movies.")


@route(
    blueprint, "GET", f"{ONE}/poster", query=catalogue_requests.POSTER_QUERY, request_headers=("If-None-Match",),
    answers={200: MEDIA_TYPES, 304: None}, headers={200: ("ETag",), 304: ("ETag",)}, errors=(404, 503),
)  # fmt: skip
def get_poster(movie_id: int) -> Response:
    """Show a movie's uploaded poster. Caches may keep it for a year if `v` is its version, else an hour."""
    version, known = read_query(catalogue_requests.POSTER_QUERY)["v"], request.headers.get("If-None-Match")
    with transaction(backend().engine) as connection:
        tag = posters.get_tag(connection, movie_id) if known else None
        poster = None if tag and has_version(known, tag) else posters.get(connection, movie_id)
    if poster is not None:
        tag = poster.tag
    elif not (tag and has_version(known, tag)):
        return no_such_poster()
    response = Response(poster.image, content_type=poster.media_type) if poster else Response(status=304)
    response.headers["Cache-Control"] = FOR_EVER if version == tag else FOR_AN_HOUR
    response.set_etag(str(tag))
    return response


@route(
    blueprint, "PUT", f"{ONE}/poster", media=MEDIA_TYPES, answers={200: answers.MOVIE}, errors=(403, 404, 503),
    secured=True,
)  # fmt: skip
@admin_required
def put_poster(movie_id: int) -> Response:
    """Upload a movie's poster, a PNG, JPEG or WebP picture of up to 2 MiB, in place of the one it has."""
    image = read_upload(max_bytes=MAX_POSTER_BYTES)
    picture = recognise(image)
    poster = Poster(picture.media_type, blake2b(image, digest_size=12).hexdigest(), image)
    with transaction(backend().engine) as connection:
        before = posters.get_tag(connection, movie_id)
        movie = movies.get_movie(connection, movie_id) if posters.put(connection, movie_id, poster) else None
        if movie is not None:
            after: dict[str, Any] = {"tag": poster.tag, "media_type": poster.media_type, "bytes": len(image)}
            audit.done(connection, "poster.put", f"movie {movie_id}", {"tag": before} if before else None, after)
    public.changed(Kind.MOVIES, Kind.SHOWS)
    return answer(movie_json(movie, view().prefix)) if movie else no_such_movie()


@route(blueprint, "DELETE", f"{ONE}/poster", answers={204: None}, errors=(403, 404, 503), secured=True)
@admin_required
def delete_poster(movie_id: int) -> Response:
    """Delete a movie's uploaded poster."""
    with transaction(backend().engine) as connection:
        before = posters.get_tag(connection, movie_id)
        deleted = posters.delete(connection, movie_id)
        if deleted:
            audit.done(connection, "poster.delete", f"movie {movie_id}", before={"tag": before})
    public.changed(Kind.MOVIES, Kind.SHOWS)
    return Response(status=204) if deleted else no_such_poster()


def no_such_poster() -> Response:
    """Return the answer to a request for a poster that does not exist."""
    return problem(404, "no_such_poster", "This movie has no uploaded poster.")
