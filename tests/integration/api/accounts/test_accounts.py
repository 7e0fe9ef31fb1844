"""Exporting and deleting an account: its bookings remain, without a name."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.shapes import answers
from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import headers_of
from tests.support.stage import Stage

ALICE = {"email": "alice@example.com", "password": "correct horse", "name": "Alice"}

PROOF = {"password": ALICE["password"]}


@pytest.fixture
def pair(client: FlaskClient) -> dict[str, Any]:
    body: dict[str, Any] = client.post("/api/auth/signup", json=ALICE).get_json()
    return body


@pytest.fixture
def alice(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def book(client: FlaskClient, stage: Stage, alice: dict[str, str], show: int, *seats: str) -> str:
    body = {"show_id": show, "seats": list(seats)}
    id_: str = client.post("/api/bookings", json=body, headers=alice).get_json()["id"]
    stage.drain(show)
    return id_


def test_an_export_holds_account_sessions_and_bookings(
    client: FlaskClient, alice: dict[str, str], stage: Stage
) -> None:
    id_ = book(client, stage, alice, stage.show(), "A1", "A2")

    response = client.get("/api/auth/export", headers=alice)
    body = response.get_json()

    answers.EXPORT.load(body)
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert (body["user"]["email"], body["user"]["name"]) == (ALICE["email"], ALICE["name"])
    assert [(one["id"], one["seats"]) for one in body["bookings"]] == [(id_, ["A1", "A2"])]
    assert len(body["sessions"]) == 1
    assert body["next_cursor"] is None
    assert "argon2" not in response.text


def test_an_export_comes_page_by_page(client: FlaskClient, alice: dict[str, str], stage: Stage) -> None:
    show = stage.show()
    ids = [book(client, stage, alice, show, seat) for seat in ("A1", "A2", "A3")]

    first = client.get("/api/auth/export?limit=2", headers=alice).get_json()
    rest = client.get(f"/api/auth/export?limit=2&cursor={first['next_cursor']}", headers=alice).get_json()

    assert [one["id"] for one in first["bookings"] + rest["bookings"]] == ids[::-1]
    assert client.get("/api/auth/export?limit=1001", headers=alice).status_code == 422


def test_after_a_deletion_nothing_names_the_person_and_the_bookings_stand(
    client: FlaskClient, pair: dict[str, Any], alice: dict[str, str], stage: Stage, engine: Engine
) -> None:
    show = stage.show()
    id_ = book(client, stage, alice, show, "A1")

    assert client.delete("/api/auth/profile", json=PROOF, headers=alice).status_code == 204

    refused(client.get("/api/auth/profile", headers=alice), 401, "token_revoked")
    refused(
        client.post("/api/bookings", json={"show_id": show, "seats": ["A2"]}, headers=alice), 401, "token_revoked"
    )
    refused(client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}), 401, "refresh_invalid")
    refused(client.post("/api/auth/login", json=ALICE | {"name": "x"}), 422, "invalid_request")
    login = {"email": ALICE["email"], "password": ALICE["password"]}
    refused(client.post("/api/auth/login", json=login), 401, "bad_credentials")
    with transaction(engine) as connection:
        tables = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalars()
        for table in list(tables):
            rows = connection.exec_driver_sql(f"TABLE {table}").all()
            assert "alice" not in str(rows).lower(), table
        status, user_id = connection.execute(
            text("SELECT status, user_id::text FROM bookings WHERE id = :id"), {"id": id_}
        ).one()
    assert (status, user_id) == ("CONFIRMED", pair["user"]["id"])
    assert stage.seats(show)["A1"][0] == "SOLD"
    stage.proven()


def test_the_address_of_a_deleted_account_may_be_used_again_and_is_another_person(
    client: FlaskClient, pair: dict[str, Any], alice: dict[str, str], stage: Stage
) -> None:
    book(client, stage, alice, stage.show(), "A1")
    client.delete("/api/auth/profile", json=PROOF, headers=alice)

    again = client.post("/api/auth/signup", json=ALICE)

    assert again.status_code == 201
    assert again.get_json()["user"]["id"] != pair["user"]["id"]
    own = client.get("/api/auth/bookings", headers={"Authorization": f"Bearer {again.get_json()['access_token']}"})
    assert own.get_json()["bookings"] == []


def test_without_an_account_there_is_nothing_to_export_or_delete(app: Flask, client: FlaskClient) -> None:
    nobody = headers_of(app)

    refused(client.get("/api/auth/export", headers=nobody), 404, "no_account")
    refused(client.delete("/api/auth/profile", json=PROOF, headers=nobody), 404, "no_account")
