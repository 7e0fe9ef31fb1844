"""Upcoming shows by movie, day, text, genre and free seats, on a real Postgres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.shapes import answers
from core.settings import Settings
from core.times import to_ms
from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import PLAN, headers_of, make_admin, make_movie, make_show, sell

ROW = {"rows": [{"label": "A", "blocks": [{"first": 1, "last": 2, "category": "standard"}]}]}


@pytest.fixture
def read(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that returns the ids of the shows that a query finds."""
    monkeypatch.setattr("api.catalogue.show_list.KEPT_S", 0.0)

    def ids(query: str, path: str = "/api/shows") -> list[int]:
        response = client.get(path + query)
        assert response.status_code == 200, response.text
        assert answers.SHOWS.validate(response.get_json()) == {}
        return [show["id"] for show in response.get_json()["shows"]]

    return ids


def at(*when: int) -> int:
    return to_ms(datetime(*when, tzinfo=UTC))  # type: ignore[arg-type]


def zone(engine: Engine, show_id: int, name: str) -> None:
    """Move a show's hall to another time zone."""
    statement = text(
        "UPDATE halls SET time_zone = :zone FROM shows WHERE halls.id = shows.hall_id AND shows.id = :id"
    )
    with transaction(engine) as connection:
        connection.execute(statement, {"zone": name, "id": show_id})


def named(engine: Engine, show_id: int, name: str) -> None:
    with transaction(engine) as connection:
        connection.execute(text("UPDATE shows SET name = :name WHERE id = :id"), {"name": name, "id": show_id})


def test_a_day_is_that_of_each_shows_hall(engine: Engine, read: Any) -> None:
    late = make_show(engine, starts_ms=at(2099, 1, 31, 22, 59))  # 23:59 in Berlin
    night = make_show(engine, starts_ms=at(2099, 1, 31, 23, 0))  # midnight in Berlin
    utc = make_show(engine, starts_ms=at(2099, 1, 31, 23, 30))
    island = make_show(engine, starts_ms=at(2099, 1, 31, 10, 0))  # February has begun
    for show_id in (late, night):
        zone(engine, show_id, "Europe/Berlin")
    zone(engine, island, "Pacific/Kiritimati")

    assert read("?day=2099-01-31") == [late, utc]
    assert read("?day=2099-02-01") == [island, night]
    assert read("?day=2099-02-02") == []


def test_halls_without_a_time_zone_are_in_the_installations(
    make_app: Any, settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_id = make_show(engine, starts_ms=at(2099, 1, 31, 23, 0))
    monkeypatch.setenv("TIME_ZONE", "Europe/Berlin")
    client = make_app(Settings.from_env()).test_client()

    assert [show["id"] for show in client.get("/api/shows?day=2099-02-01").get_json()["shows"]] == [show_id]
    assert client.get("/api/shows?day=2099-01-31").get_json()["shows"] == []


def test_text_is_found_in_names_and_titles(engine: Engine, read: Any) -> None:
    row_lock = make_show(engine, movie_id=make_movie(engine, "Row Lock 100%"), starts_in_ms=3_600_000)
    gala = make_show(engine, movie_id=make_movie(engine, "Vacuum"), starts_in_ms=7_200_000)
    named(engine, gala, "Gala: locksmiths")

    assert read("?q=LOCK") == [row_lock, gala]
    assert read("?q=vacuum") == [gala]
    assert read("?q=0%25") == [row_lock]
    assert read("?q=_") == []


def test_filters_add_up(engine: Engine, read: Any) -> None:
    drama, comedy = make_movie(engine, "A", "drama"), make_movie(engine, "B", "Comedy")
    first = make_show(engine, movie_id=drama, starts_ms=at(2099, 1, 31, 12))
    second = make_show(engine, movie_id=comedy, starts_ms=at(2099, 1, 31, 15))
    make_show(engine, movie_id=comedy, starts_ms=at(2099, 2, 1, 15))

    assert read("?genre=COMEDY&day=2099-01-31") == [second]
    assert read(f"?movie_id={drama}&genre=comedy") == []
    assert read("?day=2099-01-31") == read("?day=2099-01-31", "/api/shows/upcoming") == [first, second]


def test_only_shows_with_free_seats(engine: Engine, read: Any) -> None:
    full = make_show(engine, plan=ROW, prices={"standard": 1}, starts_in_ms=3_600_000)
    nearly = make_show(engine, plan=ROW, prices={"standard": 1}, starts_in_ms=7_200_000)
    sell(engine, full, "A1")
    sell(engine, full, "A2", status="HELD")
    sell(engine, nearly, "A1")

    assert read("?free=true") == [nearly]
    assert read("?free=false") == read("") == [full, nearly]


def test_filtered_pages_are_complete(client: FlaskClient, engine: Engine, read: Any) -> None:
    movie = make_movie(engine, "B")
    wanted = [make_show(engine, movie_id=movie, plan=PLAN, starts_ms=at(2099, 1, 31, 12)) for _ in range(5)]
    make_show(engine, starts_ms=at(2099, 1, 31, 12))
    found, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/api/shows?movie_id={movie}&day=2099-01-31&limit=2{cursor}").get_json()
        found += [show["id"] for show in page["shows"]]
        cursor = f"&cursor={page['next_cursor']}"

    assert (found, page["next_cursor"]) == (wanted, None)


def test_a_movie_has_its_next_shows_and_a_cursor_for_the_others(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.catalogue.pages.MOVIES_SHOWS", 2)
    movie = make_movie(engine, "B")
    make_show(engine, movie_id=movie, starts_in_ms=-3_600_000)
    make_show(engine)
    shows = [make_show(engine, movie_id=movie, starts_in_ms=n * 3_600_000) for n in (1, 2, 3)]

    detail = client.get(f"/api/movies/{movie}").get_json()
    rest = client.get(f"/api/shows?movie_id={movie}&cursor={detail['next_cursor']}").get_json()

    assert answers.MOVIE_DETAIL.validate(detail) == {}
    assert [show["id"] for show in detail["shows"]] == shows[:2]
    assert [show["id"] for show in rest["shows"]] == shows[2:]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("day=31.01.2099", "day"), ("day=2099-02-30", "day"), ("day=2299-01-01", "day"), ("free=yes", "free"),
        ("free=", "free"), ("q=", "q"), ("genre=", "genre"), ("q=%00", "q"), ("movie_id=0", "movie_id"),
    ],
)  # fmt: skip
def test_an_odd_filter_is_refused_by_name(client: FlaskClient, query: str, parameter: str) -> None:
    body = refused(client.get(f"/api/shows?{query}"), 422, "invalid_request")

    assert [fault["parameter"] for fault in body["errors"]] == [parameter]


def test_a_hall_names_its_time_zone(app: Flask, client: FlaskClient, engine: Engine) -> None:
    carol = headers_of(app, make_admin(engine), "admin")
    body = {"name": "Big", "plan": ROW}
    here = client.post("/api/halls", json={**body, "time_zone": "America/New_York"}, headers=carol)
    usual = client.post("/api/halls", json=body, headers=carol)
    odd = client.post("/api/halls", json={**body, "time_zone": "New York"}, headers=carol)

    assert client.get(here.headers["Location"]).get_json()["time_zone"] == "America/New_York"
    assert client.get(usual.headers["Location"]).get_json()["time_zone"] == "UTC"
    assert refused(odd, 422, "invalid_request")["errors"][0]["pointer"] == "/time_zone"
