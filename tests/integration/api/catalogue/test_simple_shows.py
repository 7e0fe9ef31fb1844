"""Shows from a name and a number of seats alone, and shows without a movie: over HTTP, on a real Postgres."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import answers
from core.settings import Settings
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import PRICES, codes_of, headers_of, make_admin, make_hall, make_movie
from tests.support.stage import Stage

SIMPLE = {"name": "Open stage", "total_seats": 30, "starts_at": "2099-01-31T19:30:00Z"}


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    """The administrator's Authorization header."""
    return headers_of(app, make_admin(engine), "admin")


def create(client: FlaskClient, carol: dict[str, str], **values: Any) -> dict[str, Any]:
    response = client.post("/api/shows", json=values, headers=carol)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.get_json()
    assert answers.SHOW.validate(body) == {}
    return body


def test_a_name_and_a_number_of_seats_make_a_show_that_sells(
    client: FlaskClient, carol: dict[str, str], alice: Buyer, stage: Stage
) -> None:
    show = create(client, carol, **SIMPLE, price_cents=700)

    booking = answered(alice.book(show["id"], "A1", "A30"), 202)
    stage.drain(show["id"])

    assert (show["name"], show["movie"], show["capacity"]) == ("Open stage", None, 30)
    assert show["prices"] == {"standard": 700}
    assert show["hall"]["name"] == "30 seats"
    assert answered(alice.get(booking["id"]), 200)["amount_cents"] == 1400
    assert client.get("/api/shows").get_json()["shows"][0]["name"] == "Open stage"
    stage.proven()


def test_without_a_price_it_is_free_of_charge(client: FlaskClient, carol: dict[str, str]) -> None:
    assert create(client, carol, **SIMPLE)["prices"] == {"standard": 0}


def test_the_same_number_of_seats_is_the_same_hall_and_shows_in_it_may_overlap(
    client: FlaskClient, carol: dict[str, str]
) -> None:
    first, second = (create(client, carol, **SIMPLE)["hall"]["id"] for _ in range(2))
    other = create(client, carol, **{**SIMPLE, "total_seats": 31})["hall"]["id"]

    assert first == second != other


def test_a_show_of_a_movie_may_have_its_own_name(client: FlaskClient, engine: Engine, carol: dict[str, str]) -> None:
    show = create(client, carol, **SIMPLE, movie_id=make_movie(engine))

    assert (show["name"], show["movie"]["title"]) == ("Open stage", "Row Lock")


def test_one_price_holds_for_each_category_of_a_hall(
    client: FlaskClient, engine: Engine, carol: dict[str, str]
) -> None:
    values = {"name": "Gala", "hall_id": make_hall(engine), "starts_at": SIMPLE["starts_at"]}

    assert create(client, carol, **values, price_cents=900)["prices"] == dict.fromkeys(PRICES, 900)


def test_a_show_without_a_movie_occupies_its_hall_for_two_hours(
    client: FlaskClient, engine: Engine, carol: dict[str, str]
) -> None:
    values = {"name": "Gala", "hall_id": make_hall(engine), "price_cents": 0}
    first = create(client, carol, **values, starts_at="2099-01-31T19:00:00Z")

    for at in ("2099-01-31T17:01:00Z", "2099-01-31T20:59:00Z"):
        taken = client.post("/api/shows", json={**values, "starts_at": at}, headers=carol)
        assert f"Show {first['id']}" in refused(taken, 409, "hall_taken")["detail"]
    create(client, carol, **values, starts_at="2099-01-31T17:00:00Z")
    create(client, carol, **values, starts_at="2099-01-31T21:00:00Z")


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"prices": {"premium": 1}}, {"/prices/premium", "/prices/standard"}),
        ({"total_seats": 200_001}, {"/total_seats"}),
        ({"total_seats": "30"}, {"/total_seats"}),
        ({"name": ""}, {"/name"}),
        ({"starts_at": "2020-01-01T00:00:00Z"}, {"/starts_at"}),
    ],
)
def test_an_impossible_one_is_refused_and_makes_no_hall(
    client: FlaskClient, carol: dict[str, str], change: dict[str, Any], pointers: set[str]
) -> None:
    response = client.post("/api/shows", json={**SIMPLE, **change}, headers=carol)

    assert response.status_code == 422
    assert codes_of(response.get_json(force=True)) == pointers
    assert client.get("/api/halls").get_json()["halls"] == []


def test_money_is_in_the_installations_currency(
    make_app: Any, settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CURRENCY": "JPY", "TIME_ZONE": "Asia/Tokyo", "INSTALLATION_NAME": "Kabuki"}.items():
        monkeypatch.setenv(name, value)
    app = make_app(Settings.from_env())
    client, carol = app.test_client(), headers_of(app, make_admin(engine), "admin")

    installation = client.get("/api/installation")
    show = create(client, carol, **SIMPLE, price_cents=1800)
    mine = client.get("/api/auth/bookings", headers=headers_of(app)).get_json()

    assert answers.INSTALLATION.validate(installation.get_json()) == {}
    assert installation.get_json() == {
        "name": "Kabuki", "currency": "JPY", "currency_exponent": 0, "time_zone": "Asia/Tokyo",
    }  # fmt: skip
    assert (show["currency"], show["hall"]["time_zone"], mine["currency"]) == ("JPY", "Asia/Tokyo", "JPY")
    assert client.get("/api/installation", headers={"If-None-Match": installation.headers["ETag"]}).status_code == 304
