"""What nothing hangs on can be deleted, the rest is refused with what hangs on it: on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from db.kv import keys
from db.postgres.engine import transaction
from tests.support.buyer import Buyer, answered, refused
from tests.support.factories import headers_of, make_admin, make_hall, make_movie, make_show
from tests.support.stage import Stage

FUTURE = "2099-01-31T19:30:00Z"


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    """The administrator's Authorization header."""
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def made(client: FlaskClient, engine: Engine, carol: dict[str, str]) -> dict[str, int]:
    """A show with its hall, both created over HTTP."""
    hall = make_hall(engine)
    body = {"name": "Gala", "hall_id": hall, "starts_at": FUTURE, "price_cents": 1000}
    show = client.post("/api/shows", json=body, headers=carol).get_json()["id"]
    return {"show": show, "hall": hall}


def delete(client: FlaskClient, carol: dict[str, str], path: str) -> Any:
    return client.delete(path, headers=carol)


def rows(engine: Engine, table: str) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def test_an_unused_show_goes_with_its_seats_and_what_redis_has_of_it(
    client: FlaskClient, engine: Engine, carol: dict[str, str], made: dict[str, int], stage: Stage, alice: Buyer
) -> None:
    show, client_of_redis = made["show"], stage.stores.client
    card = keys.card(show % stage.stores.settings.lanes, show)
    assert client_of_redis.exists(card)

    assert delete(client, carol, f"/api/admin/shows/{show}").status_code == 204

    assert (rows(engine, "shows"), rows(engine, "seats")) == (0, 0)
    assert not client_of_redis.exists(card)
    refused(client.get(f"/api/shows/{show}"), 404, "no_such_show")
    refused(alice.book(show, "A1"), 404, "no_such_show")
    refused(delete(client, carol, f"/api/admin/shows/{show}"), 404, "no_such_show")
    assert client.get("/api/shows").get_json()["shows"] == []


def test_a_request_that_waits_for_a_deleted_show_fails(
    client: FlaskClient, carol: dict[str, str], made: dict[str, int], stage: Stage, alice: Buyer
) -> None:
    queued = answered(alice.book(made["show"], "A1"), 202)["id"]

    assert delete(client, carol, f"/api/admin/shows/{made['show']}").status_code == 204
    stage.drain(made["show"])

    body = answered(alice.get(queued), 200)
    assert (body["status"], body["reason"]) == ("FAILED", "NO_SUCH_SHOW")
    stage.proven()


def test_a_show_with_a_booking_remains_whatever_became_of_it(
    client: FlaskClient, engine: Engine, carol: dict[str, str], made: dict[str, int], stage: Stage, alice: Buyer
) -> None:
    id_ = answered(alice.book(made["show"], "A1"), 202)["id"]
    stage.drain(made["show"])
    alice.cancel(id_)
    stage.drain(made["show"])

    body = refused(delete(client, carol, f"/api/admin/shows/{made['show']}"), 409, "show_in_use")

    assert (body["in_use_by"], body["ids"]) == ("bookings", [id_])
    assert rows(engine, "seats") == 14


def test_a_show_with_a_decided_change_remains(
    client: FlaskClient, carol: dict[str, str], made: dict[str, int], stage: Stage
) -> None:
    client.patch(f"/api/shows/{made['show']}", json={"hold_s": 60}, headers=carol)
    stage.drain(made["show"])

    body = refused(delete(client, carol, f"/api/admin/shows/{made['show']}"), 409, "show_in_use")

    assert body["in_use_by"] == "decisions"


def test_an_unused_hall_goes_with_its_plan_in_redis(
    client: FlaskClient, engine: Engine, carol: dict[str, str], made: dict[str, int], stage: Stage
) -> None:
    hall = made["hall"]
    body = refused(delete(client, carol, f"/api/halls/{hall}"), 409, "hall_in_use")
    assert (body["in_use_by"], body["ids"]) == ("shows", [made["show"]])
    assert stage.stores.client.exists(keys.hall(hall))
    delete(client, carol, f"/api/admin/shows/{made['show']}")

    assert delete(client, carol, f"/api/halls/{hall}").status_code == 204

    assert rows(engine, "halls") == 0
    assert not stage.stores.client.exists(keys.hall(hall))
    refused(client.get(f"/api/halls/{hall}"), 404, "no_such_hall")
    refused(delete(client, carol, f"/api/halls/{hall}"), 404, "no_such_hall")


def test_a_movie_in_use_says_by_which_shows(client: FlaskClient, engine: Engine, carol: dict[str, str]) -> None:
    movie = make_movie(engine)
    shows = [make_show(engine, movie_id=movie) for _ in range(11)]

    body = refused(delete(client, carol, f"/api/movies/{movie}"), 409, "movie_in_use")

    assert (body["in_use_by"], body["ids"]) == ("shows", shows[:10])


@pytest.mark.parametrize("path", ["/api/halls/1", "/api/admin/shows/1"])
def test_only_administrators_delete(app: Flask, client: FlaskClient, path: str) -> None:
    refused(client.delete(path), 401, "token_missing")
    refused(client.delete(path, headers=headers_of(app)), 403, "not_allowed")
