"""A hall has one show at a time, and new shows start in the future: over HTTP, on a real Postgres."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from core.settings import Settings
from core.times import iso
from db.postgres.engine import transaction
from proof.kit.shows import HOUR_MS
from tests.support.factories import PLAN, PRICES, codes_of, headers_of, make_admin, make_hall, make_movie, make_show

MINUTE_MS = 60_000
START_MS = 4_073_000_000_000
ROW = {"rows": PLAN["rows"][:1]}


class Office:
    """An administrator who makes shows in one hall, each of a movie of 90 minutes."""

    def __init__(self, client: FlaskClient, engine: Engine, headers: dict[str, str]) -> None:
        self._client, self._engine, self._headers = client, engine, headers
        self.movie, self.hall = make_movie(engine), make_hall(engine)

    def make(self, start_ms: int, **more: Any) -> TestResponse:
        wanted = {"movie_id": self.movie, "hall_id": self.hall, "starts_at": iso(start_ms), "prices": PRICES}
        return self._client.post("/api/shows", json={**wanted, **more}, headers=self._headers)

    def made(self, start_ms: int, **more: Any) -> int:
        response = self.make(start_ms, **more)
        assert response.status_code == 201, response.text
        return int(response.get_json()["id"])

    def change(self, statement: str, **values: Any) -> None:
        with transaction(self._engine) as connection:
            connection.execute(text(statement), values)


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Settings:
    for name, value in getattr(request, "param", {}).items():
        monkeypatch.setenv(name, value)
    return Settings.from_env()


@pytest.fixture
def office(app: Flask, client: FlaskClient, engine: Engine) -> Office:
    return Office(client, engine, headers_of(app, make_admin(engine), "admin"))


def taken(response: TestResponse, by: int) -> None:
    """Check that the hall is taken, and that the answer names the show in it."""
    assert response.status_code == 409, response.text
    body = response.get_json(force=True)
    assert body["code"] == "hall_taken"
    assert f"Show {by} " in body["detail"]


@pytest.mark.parametrize("minutes", [-89, -1, 0, 1, 89])
def test_a_hall_has_no_two_shows_at_once(office: Office, minutes: int) -> None:
    first = office.made(START_MS)

    taken(office.make(START_MS + minutes * MINUTE_MS), first)

    assert len(office._client.get("/api/shows").get_json()["shows"]) == 1


@pytest.mark.parametrize("minutes", [-90, 90])
def test_one_show_may_begin_when_the_other_ends(office: Office, minutes: int) -> None:
    office.made(START_MS)

    office.made(START_MS + minutes * MINUTE_MS)


def test_the_longer_movie_counts_whichever_starts_first(office: Office, engine: Engine) -> None:
    short = office.made(START_MS)
    office.change("UPDATE movies SET duration_min = 1000")
    long = office.movie
    office.movie = make_movie(engine)

    taken(office.make(START_MS + 999 * MINUTE_MS), short)
    office.made(START_MS + 1000 * MINUTE_MS)
    taken(office.make(START_MS - 999 * MINUTE_MS, movie_id=long), short)
    office.made(START_MS - 1000 * MINUTE_MS, movie_id=long)


@pytest.mark.parametrize("settings", [{"CHANGEOVER_MINUTES": "15"}], indirect=True)
@pytest.mark.parametrize("side", [-1, 1])
def test_between_two_shows_the_hall_is_made_ready(office: Office, side: int) -> None:
    first = office.made(START_MS)

    taken(office.make(START_MS + side * 104 * MINUTE_MS), first)
    office.made(START_MS + side * 105 * MINUTE_MS)


@pytest.mark.parametrize("settings", [{"SHOWS_MAY_OVERLAP": "true"}], indirect=True)
def test_shows_may_overlap_if_the_setting_allows_it(office: Office) -> None:
    office.made(START_MS)

    office.made(START_MS)


def test_shows_in_other_halls_do_not_conflict(office: Office, engine: Engine) -> None:
    office.made(START_MS)
    make_show(engine, starts_ms=START_MS, plan=ROW)

    office.made(START_MS, hall_id=make_hall(engine))


def test_a_closed_show_without_owned_seats_frees_its_hall(office: Office) -> None:
    first = office.made(START_MS)
    office.change('UPDATE shows SET settings = settings || \'{"state": "PAUSED"}\'')
    taken(office.make(START_MS), first)

    office.change('UPDATE shows SET sold = 1, settings = settings || \'{"state": "CLOSED"}\'')
    taken(office.make(START_MS), first)

    office.change("UPDATE shows SET sold = 0")
    office.made(START_MS)


def test_a_show_that_is_refused_leaves_nothing(office: Office, engine: Engine) -> None:
    first = office.made(START_MS)
    assert office.make(START_MS + 1).status_code == 409

    with transaction(engine) as connection:
        assert connection.execute(text("SELECT DISTINCT show_id FROM seats")).scalars().all() == [first]


def test_a_show_in_the_past_is_refused(office: Office, engine: Engine) -> None:
    with transaction(engine) as connection:
        now_ms = int(connection.execute(text("SELECT extract(epoch FROM now()) * 1000")).scalar_one())
    for start_ms in (now_ms - HOUR_MS, now_ms - 1, 946_684_800_000):
        response = office.make(start_ms)

        assert response.status_code == 422
        assert codes_of(response.get_json(force=True)) == {"/starts_at"}
    office.made(now_ms + HOUR_MS)


def test_sales_close_by_the_start(office: Office) -> None:
    response = office.make(START_MS, sales_close_at=iso(START_MS + 1))

    assert response.status_code == 422
    assert codes_of(response.get_json(force=True)) == {"/sales_close_at"}
    office.made(START_MS, sales_close_at=iso(START_MS))
