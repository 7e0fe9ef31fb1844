"""Movies and halls over HTTP, on a real Postgres."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import answers
from tests.support.factories import PLAN, codes_of, headers_of, make_admin, make_hall, make_movie, make_show

MOVIE = {"title": "Skip Locked", "description": "A heist.", "genre": "Thriller", "duration_min": 104}


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    """The administrator's Authorization header."""
    return headers_of(app, make_admin(engine), "admin")


def titles(client: FlaskClient, query: str) -> list[str]:
    body = client.get(f"/api/movies{query}").get_json()
    answers.MOVIES.load(body)
    return [movie["title"] for movie in body["movies"]]


def test_a_movie_is_created_read_replaced_and_removed(client: FlaskClient, carol: dict[str, str]) -> None:
    created = client.post("/api/movies", json=MOVIE, headers=carol)
    place = created.headers["Location"]
    replaced = client.put(place, json={"title": "Nowait", "duration_min": 90}, headers=carol)
    read = client.get(place)
    removed = client.delete(place, headers=carol)

    assert (created.status_code, replaced.status_code, read.status_code, removed.status_code) == (
        201,
        200,
        200,
        204,
    )
    answers.MOVIE.load(created.get_json())
    assert read.get_json() == {**replaced.get_json(), "shows": [], "next_cursor": None}
    assert (read.get_json()["title"], read.get_json()["genre"]) == ("Nowait", "")
    assert read.headers["Cache-Control"] == "public, max-age=1"
    assert client.get(place).status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "get"])
def test_a_missing_movie_is_404(client: FlaskClient, carol: dict[str, str], method: str) -> None:
    json = {"json": MOVIE} if method == "put" else {}
    response = getattr(client, method)("/api/movies/77", headers=carol, **json)

    assert response.status_code == 404
    assert response.get_json(force=True)["code"] == "no_such_movie"


def test_a_movie_with_shows_cannot_be_deleted(client: FlaskClient, engine: Engine, carol: dict[str, str]) -> None:
    movie_id = make_movie(engine)
    make_show(engine, movie_id=movie_id)

    response = client.delete(f"/api/movies/{movie_id}", headers=carol)

    assert response.status_code == 409
    assert response.get_json(force=True)["code"] == "movie_in_use"


def test_movies_are_searched_by_title_and_genre(client: FlaskClient, engine: Engine) -> None:
    make_movie(engine, "100% Deadlock", "drama")
    make_movie(engine, "A Deadly Lock", "Drama")
    make_movie(engine, "Vacuum", "space")

    assert titles(client, "") == ["100% Deadlock", "A Deadly Lock", "Vacuum"]
    assert titles(client, "?q=LOCK&genre=DRAMA") == ["100% Deadlock", "A Deadly Lock"]
    assert titles(client, "?q=0%25+d") == ["100% Deadlock"]
    assert titles(client, "?q=%25") == ["100% Deadlock"]
    assert titles(client, "?q=_") == []
    assert titles(client, "?genre=dra") == []


@pytest.mark.parametrize("query", ["?q=%00", "?q=", "?q=" + "x" * 101])
def test_an_invalid_search_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/movies{query}").status_code == 422


WRITES: list[tuple[str, str, Any]] = [
    ("post", "/api/movies", MOVIE),
    ("put", "/api/movies/1", MOVIE),
    ("delete", "/api/movies/1", None),
    ("post", "/api/halls", {"name": "Big", "plan": PLAN}),
    ("post", "/api/shows", {}),
]


@pytest.mark.parametrize(("method", "path", "json"), WRITES)
def test_only_administrators_write(app: Flask, client: FlaskClient, method: str, path: str, json: Any) -> None:
    def ask(headers: dict[str, str]) -> tuple[int, str]:
        response = getattr(client, method)(path, json=json, headers=headers)
        return response.status_code, response.get_json(force=True)["code"]

    assert ask({}) == (401, "token_missing")
    assert ask(headers_of(app)) == (403, "not_allowed")
    assert ask(headers_of(app, role="admin")) == (403, "not_allowed")


def test_a_hall_is_created_and_read_with_its_plan(client: FlaskClient, carol: dict[str, str]) -> None:
    created = client.post("/api/halls", json={"name": "Big", "plan": PLAN}, headers=carol)
    read = client.get(created.headers["Location"])
    listed = client.get("/api/halls")

    assert created.status_code == 201
    answers.HALL.load(created.get_json())
    answers.HALLS.load(listed.get_json())
    assert read.get_json() == created.get_json()
    assert (read.get_json()["plan"], read.get_json()["capacity"]) == (PLAN, 14)
    assert [hall["name"] for hall in listed.get_json()["halls"]] == ["Big"]


def test_an_invalid_plan_is_refused(client: FlaskClient, carol: dict[str, str]) -> None:
    twice = {"rows": [PLAN["rows"][0], PLAN["rows"][0]]}

    response = client.post("/api/halls", json={"name": "Big", "plan": twice}, headers=carol)

    assert response.status_code == 422
    assert response.get_json(force=True)["code"] == "bad_plan"
    assert "Row A" in response.get_json(force=True)["detail"]


def test_a_large_plan_is_taken_and_a_huge_body_is_not(client: FlaskClient, carol: dict[str, str]) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    rows = [
        {"label": a + b, "blocks": [{"first": 1, "last": 100, "category": "standard"}]}
        for a in letters
        for b in letters
    ]
    large = client.post("/api/halls", json={"name": "Arena", "plan": {"rows": rows}}, headers=carol)
    huge = client.post("/api/halls", data=b" " * (1024 * 1024 + 1), content_type="application/json", headers=carol)

    assert (large.status_code, huge.status_code) == (201, 413)
    assert large.get_json()["capacity"] == 67_600


def test_a_hall_that_is_not_there_is_404(client: FlaskClient, engine: Engine) -> None:
    assert client.get(f"/api/halls/{make_hall(engine) + 1}").status_code == 404


def test_faults_of_a_movie_are_named(client: FlaskClient, carol: dict[str, str]) -> None:
    response = client.post("/api/movies", json={"title": "", "duration_min": "90", "stars": 5}, headers=carol)

    assert codes_of(response.get_json(force=True)) == {"/title", "/duration_min", "/stars"}
