"""Shows and their seat maps over HTTP, on a real Postgres."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.catalogue import seat_map_cache, show_list
from api.shapes import answers
from core.halls import Hall
from db.kv.catalogue_pages import Kind
from db.postgres.catalogue import TakenSeats
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS
from tests.support.factories import (
    PLAN,
    PRICES,
    codes_of,
    headers_of,
    make_admin,
    make_hall,
    make_movie,
    make_show,
    sell,
)

START = "2099-01-31T19:30:00.000Z"


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    """The administrator's Authorization header."""
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def wanted(engine: Engine) -> dict[str, Any]:
    """A valid request to create a show."""
    return {
        "movie_id": make_movie(engine),
        "hall_id": make_hall(engine),
        "starts_at": START,
        "prices": PRICES,
    }


def publish(app: Flask, show_id: int) -> None:
    """Publish the show's card with its version to Redis, as a lane does after its transaction."""
    app.extensions["onsale"].service.intake.publish_card(show_id)


def test_a_show_is_created_with_its_seats_and_the_usual_terms(
    client: FlaskClient, engine: Engine, carol: dict[str, str], wanted: dict[str, Any]
) -> None:
    created = client.post("/api/shows", json=wanted, headers=carol)
    body = created.get_json()

    assert created.status_code == 201
    answers.SHOW.load(body)
    assert client.get(created.headers["Location"]).get_json() == body
    movie = {"id": wanted["movie_id"], "title": "Row Lock", "genre": "drama", "duration_min": 90}
    assert body["movie"] == {**movie, "rating": None, "poster": None}
    assert body["hall"] == {"id": wanted["hall_id"], "name": "Studio", "time_zone": "UTC"}
    assert (body["name"], body["currency"]) == ("Row Lock", "EUR")
    assert (body["capacity"], body["free"], body["held"], body["sold"], body["version"]) == (14, 14, 0, 0, 1)
    assert (body["starts_at"], body["sales_open_at"], body["sales_close_at"]) == (START, None, START)
    assert (body["state"], body["seats_per_user"], body["hold_s"], body["prices"]) == (
        "ON_SALE",
        10,
        120,
        PRICES,
    )


def test_a_shows_first_settings_are_kept(
    client: FlaskClient, engine: Engine, carol: dict[str, str], wanted: dict[str, Any]
) -> None:
    terms = {
        **wanted,
        "seats_per_user": 4,
        "hold_s": 30,
        "sales_open_at": "2098-01-01T00:00:00Z",
        "sales_close_at": "2099-01-31T20:00:00+01:00",
    }
    body = client.post("/api/shows", json=terms, headers=carol).get_json()

    assert (body["sales_open_at"], body["sales_close_at"]) == (
        "2098-01-01T00:00:00.000Z",
        "2099-01-31T19:00:00.000Z",
    )
    with transaction(engine) as connection:
        row = connection.execute(text("SELECT settings, initial_settings, starts_at FROM shows")).one()
    assert row.settings == row.initial_settings
    assert (row.settings["hold_ms"], row.settings["seats_per_user"]) == (30_000, 4)
    assert row.starts_at.isoformat() == "2099-01-31T19:30:00+00:00"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"prices": {"premium": 1}}, "/prices/standard"),
        ({"prices": {**PRICES, "royal": 1}}, "/prices/royal"),
        ({"hall_id": 4711}, "/hall_id"),
        ({"hold_s": 0}, "/hold_s"),
        ({"seats_per_user": 10_001}, "/seats_per_user"),
    ],
)
def test_an_impossible_show_is_refused_entirely(
    client: FlaskClient, carol: dict[str, str], wanted: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    response = client.post("/api/shows", json={**wanted, **change}, headers=carol)

    assert response.status_code == 422
    assert codes_of(response.get_json(force=True)) == {place}
    assert client.get("/api/shows").get_json()["shows"] == []


def test_a_show_needs_its_movie(client: FlaskClient, carol: dict[str, str], wanted: dict[str, Any]) -> None:
    response = client.post("/api/shows", json={**wanted, "movie_id": 4711}, headers=carol)

    assert response.status_code == 422
    assert response.get_json(force=True)["code"] == "no_such_movie"


def test_upcoming_shows_are_listed_in_order_and_by_movie(client: FlaskClient, engine: Engine) -> None:
    other = make_movie(engine, "Vacuum")
    late = make_show(engine, starts_in_ms=3 * HOUR_MS)
    soon = make_show(engine, movie_id=other, starts_in_ms=HOUR_MS)
    make_show(engine, starts_in_ms=-HOUR_MS)

    everything = client.get("/api/shows").get_json()
    of_movie = client.get(f"/api/shows?movie_id={other}").get_json()
    first = client.get("/api/shows?limit=1").get_json()

    answers.SHOWS.load(everything)
    assert [show["id"] for show in everything["shows"]] == [soon, late]
    assert [show["id"] for show in of_movie["shows"]] == [soon]
    assert first["next_cursor"] is not None


def test_a_page_of_the_list_is_kept_for_a_second_and_dropped_by_a_change(
    app: Flask,
    client: FlaskClient,
    engine: Engine,
    carol: dict[str, str],
    wanted: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listed() -> list[int]:
        return [show["id"] for show in client.get("/api/shows").get_json()["shows"]]

    clock = [100.0]
    monkeypatch.setattr(show_list, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    first = make_show(engine, starts_in_ms=HOUR_MS)
    assert listed() == [first]
    second = make_show(engine, starts_in_ms=2 * HOUR_MS)  # as if by another process
    assert listed() == [first]

    clock[0] += show_list.KEPT_S
    app.extensions["onsale-catalogue"].changed(Kind.SHOWS)  # in Redis, too, as by another process
    assert listed() == [first, second]
    third = client.post("/api/shows", json=wanted, headers=carol).get_json()["id"]
    assert listed() == [first, second, third]


def test_a_show_that_has_begun_is_still_found_by_its_id(client: FlaskClient, engine: Engine) -> None:
    assert client.get(f"/api/shows/{make_show(engine, starts_in_ms=-HOUR_MS)}").status_code == 200


def test_a_show_or_map_that_is_not_there_is_404(client: FlaskClient) -> None:
    for path in ("/api/shows/1", "/api/shows/1/seats"):
        response = client.get(path)

        assert response.status_code == 404
        assert response.get_json(force=True)["code"] == "no_such_show"


def test_a_map_shows_every_seat_in_the_halls_order(client: FlaskClient, engine: Engine) -> None:
    show_id = make_show(engine)
    sell(engine, show_id, "A2", "C6")
    sell(engine, show_id, "B1", status="HELD")

    response = client.get(f"/api/shows/{show_id}/seats")
    body = response.get_json()

    answers.SEAT_MAP.load(body)
    assert (body["show_id"], body["version"]) == (show_id, 3)
    assert [row["label"] for row in body["rows"]] == ["A", "B", "C"]
    seats = {seat["label"]: seat for row in body["rows"] for seat in row["seats"]}
    assert list(seats) == [f"{row}{n}" for row, last in (("A", 4), ("B", 4), ("C", 6)) for n in range(1, last + 1)]
    assert {label: seat["status"] for label, seat in seats.items() if seat["status"] != "AVAILABLE"} == {
        "A2": "SOLD",
        "C6": "SOLD",
        "B1": "HELD",
    }
    assert (seats["A1"]["category"], seats["C1"]["category"]) == ("premium", "standard")
    assert response.headers["Cache-Control"] == "public, max-age=1"


def test_a_map_is_sent_once_per_version(app: Flask, client: FlaskClient, engine: Engine) -> None:
    show_id = make_show(engine)
    path = f"/api/shows/{show_id}/seats"
    tag = client.get(path).headers["ETag"]

    same = client.get(path, headers={"If-None-Match": tag})
    weakened = client.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
    sell(engine, show_id, "A1")
    publish(app, show_id)
    changed = client.get(path, headers={"If-None-Match": tag})

    assert (tag, same.status_code, same.data) == ('"1"', 304, b"")
    assert (same.headers["ETag"], same.headers["Cache-Control"]) == (tag, "public, max-age=1")
    assert weakened.status_code == 304
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.get_json()["rows"][0]["seats"][0]["status"] == "SOLD"


def test_a_version_is_rendered_once(
    app: Flask, client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[int] = []
    render = seat_map_cache._render

    def counted(show_id: int, hall: Hall, taken: TakenSeats) -> bytes:
        rendered.append(taken.version)
        return render(show_id, hall, taken)

    monkeypatch.setattr(seat_map_cache, "_render", counted)
    show_id = make_show(engine)

    for _ in range(3):
        client.get(f"/api/shows/{show_id}/seats")
    sell(engine, show_id, "A1")
    publish(app, show_id)
    client.get(f"/api/shows/{show_id}/seats")

    assert rendered == [1, 2]


def test_a_stadium_can_be_put_on_sale(
    client: FlaskClient, engine: Engine, carol: dict[str, str], wanted: dict[str, Any]
) -> None:
    letters = "ABCDEFGHIJKLMNOPQRST"
    plan = {
        "rows": [
            {"label": a + b, "blocks": [{"first": 1, "last": 50, "category": "standard"}]}
            for a in letters
            for b in letters
        ]
    }
    hall_id = make_hall(engine, plan, "Stadium")

    response = client.post(
        "/api/shows", json={**wanted, "hall_id": hall_id, "prices": {"standard": 0}}, headers=carol
    )

    assert response.status_code == 201
    assert response.get_json()["free"] == 20_000
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM seats")).scalar_one() == 20_000


def test_two_applications_do_not_share_their_halls(client: FlaskClient, engine: Engine) -> None:
    body = client.get(f"/api/shows/{make_show(engine, plan={'rows': PLAN['rows'][:1]})}/seats").get_json()

    assert [row["label"] for row in body["rows"]] == ["A"]
