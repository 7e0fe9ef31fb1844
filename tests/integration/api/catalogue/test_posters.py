"""Posters over HTTP, on a real Postgres: uploaded, served with cache headers, replaced and deleted."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.catalogue.posters import MAX_POSTER_BYTES
from api.shapes import answers
from core.settings import Settings
from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin, make_movie, make_show
from tests.support.pictures import jpeg, png


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    """The administrator's Authorization header."""
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def movie(engine: Engine) -> int:
    return make_movie(engine)


def upload(client: FlaskClient, movie: int, image: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """Upload a poster; return the movie."""
    response = client.put(f"/api/movies/{movie}/poster", data=image, content_type="image/png", headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    assert answers.MOVIE.validate(body) == {}
    return body


def test_a_poster_is_served_as_it_was_uploaded_and_may_be_kept_for_a_year(
    client: FlaskClient, carol: dict[str, str], movie: int
) -> None:
    place = upload(client, movie, png(), carol)["poster"]

    served = client.get(place)
    again = client.get(place, headers={"If-None-Match": served.headers["ETag"]})
    bare = client.get(f"/api/movies/{movie}/poster")

    assert (served.status_code, served.data, served.content_type) == (200, png(), "image/png")
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["ETag"].strip('"') in place
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", served.headers["ETag"])
    assert (bare.data, bare.headers["Cache-Control"]) == (png(), "public, max-age=3600")


def test_the_type_is_that_of_the_content_whatever_the_sender_says(
    client: FlaskClient, carol: dict[str, str], movie: int
) -> None:
    upload(client, movie, jpeg(), carol)

    assert client.get(f"/api/movies/{movie}/poster").content_type == "image/jpeg"


def test_another_poster_has_another_address_and_the_old_one_is_not_kept_for_long(
    client: FlaskClient, carol: dict[str, str], movie: int
) -> None:
    first = upload(client, movie, png(), carol)["poster"]
    second = upload(client, movie, jpeg(), carol)["poster"]

    old = client.get(first, headers={"If-None-Match": f'"{first.partition("=")[2]}"'})

    assert first != second
    assert (old.status_code, old.data, old.headers["Cache-Control"]) == (200, jpeg(), "public, max-age=3600")


def test_a_movie_and_its_shows_name_the_poster_and_without_one_the_picture_elsewhere(
    client: FlaskClient, engine: Engine, carol: dict[str, str], movie: int
) -> None:
    url = "https://example.com/poster.jpg"
    body = {
        "title": "Row Lock",
        "duration_min": 90,
        "poster_url": url,
        "rating": "PG-13",
        "release_date": "2030-05-01",
    }
    client.put(f"/api/movies/{movie}", json=body, headers=carol)
    make_show(engine, movie_id=movie)
    without = client.get(f"/api/movies/{movie}").get_json()

    place = upload(client, movie, png(), carol)["poster"]
    detail = client.get(f"/api/movies/{movie}").get_json()

    assert (without["poster"], without["rating"], without["release_date"]) == (url, "PG-13", "2030-05-01")
    assert (detail["poster_url"], detail["poster"]) == (url, place)
    assert [show["movie"]["poster"] for show in detail["shows"]] == [place]
    assert client.delete(f"/api/movies/{movie}/poster", headers=carol).status_code == 204
    assert client.get(f"/api/movies/{movie}").get_json()["poster"] == url


@pytest.mark.parametrize("image", [b"", b"no picture", png()[:-1], b"<svg/>"])
def test_what_is_no_whole_picture_is_refused_and_the_poster_remains(
    client: FlaskClient, carol: dict[str, str], movie: int, image: bytes
) -> None:
    upload(client, movie, png(), carol)

    response = client.put(f"/api/movies/{movie}/poster", data=image, headers=carol)

    refused(response, 422, "bad_image")
    assert client.get(f"/api/movies/{movie}/poster").data == png()


def test_a_poster_has_a_largest_size(client: FlaskClient, carol: dict[str, str], movie: int) -> None:
    most = png(padding=MAX_POSTER_BYTES - len(png()))
    assert len(most) == MAX_POSTER_BYTES

    upload(client, movie, most, carol)
    refused(client.put(f"/api/movies/{movie}/poster", data=most + b"x", headers=carol), 413, "body_too_large")

    assert client.get(f"/api/movies/{movie}/poster").data == most


def test_a_compressed_upload_is_refused(client: FlaskClient, carol: dict[str, str], movie: int) -> None:
    headers = {**carol, "Content-Encoding": "gzip"}

    refused(
        client.put(f"/api/movies/{movie}/poster", data=png(), headers=headers), 415, "unsupported_content_encoding"
    )


def test_a_missing_movie_or_poster_is_404(client: FlaskClient, carol: dict[str, str], movie: int) -> None:
    refused(client.put("/api/movies/77/poster", data=png(), headers=carol), 404, "no_such_movie")
    for path in (f"/api/movies/{movie}/poster", "/api/movies/77/poster"):
        refused(client.get(path), 404, "no_such_poster")
        refused(client.get(path, headers={"If-None-Match": "*"}), 404, "no_such_poster")
        refused(client.delete(path, headers=carol), 404, "no_such_poster")


def test_only_administrators_upload(app: Flask, client: FlaskClient, movie: int) -> None:
    for headers, status, code in (({}, 401, "token_missing"), (headers_of(app), 403, "not_allowed")):
        refused(client.put(f"/api/movies/{movie}/poster", data=png(), headers=headers), status, code)
        refused(client.delete(f"/api/movies/{movie}/poster", headers=headers), status, code)


def test_a_deleted_movie_takes_its_poster_with_it(
    client: FlaskClient, engine: Engine, carol: dict[str, str], movie: int
) -> None:
    upload(client, movie, png(), carol)

    assert client.delete(f"/api/movies/{movie}", headers=carol).status_code == 204

    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM posters")).scalar_one() == 0


def test_a_client_behind_a_prefix_gets_a_path_with_it(
    make_app: Any, settings: Settings, engine: Engine, movie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    app = make_app(Settings.from_env())
    headers = headers_of(app, make_admin(engine), "admin") | {"X-Forwarded-Prefix": "/tickets"}

    place = upload(app.test_client(), movie, png(), headers)["poster"]

    assert place.startswith(f"/tickets/api/movies/{movie}/poster?v=")
