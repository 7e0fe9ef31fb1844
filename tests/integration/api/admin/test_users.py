"""Accounts and roles: found by address, made box office over HTTP, and nothing more than that."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.shapes import admin_answers
from db.postgres import users
from db.postgres.engine import transaction
from tests.integration.db.test_roles import app, engines, settings, urls
from tests.support.buyer import refused
from tests.support.factories import headers_of, make_admin

#: The api has its own role in Postgres here.
__all__ = ["app", "engines", "settings", "urls"]

BOB = {"email": "Bob@Example.com", "password": "correct horse", "name": "Bob"}


@pytest.fixture
def carol(app: Flask, engine: Engine) -> dict[str, str]:
    return headers_of(app, make_admin(engine), "admin")


@pytest.fixture
def bob(client: FlaskClient) -> dict[str, Any]:
    body: dict[str, Any] = client.post("/api/auth/signup", json=BOB).get_json()
    return body


def listed(client: FlaskClient, carol: dict[str, str], query: str) -> list[str]:
    response = client.get(f"/api/admin/users{query}", headers=carol)
    assert response.status_code == 200, response.get_json()
    assert admin_answers.USERS.validate(response.get_json()) == {}
    return [user["email"] for user in response.get_json()["users"]]


def test_an_account_is_found_by_its_address_in_any_case(
    client: FlaskClient, carol: dict[str, str], bob: dict[str, Any]
) -> None:
    assert listed(client, carol, "?email=BOB%40example.com") == ["Bob@Example.com"]
    assert listed(client, carol, "?email=bo%40example.com") == []
    assert listed(client, carol, "?role=admin") == ["carol@example.com"]
    assert listed(client, carol, "?role=box_office") == []
    assert listed(client, carol, "") == ["Bob@Example.com", "carol@example.com"]
    page = client.get("/api/admin/users?limit=1", headers=carol).get_json()
    assert listed(client, carol, f"?limit=1&cursor={page['next_cursor']}") == ["carol@example.com"]
    detail = client.get(f"/api/admin/users/{bob['user']['id']}", headers=carol).get_json()
    assert admin_answers.USER_DETAIL.validate(detail) == {}
    assert len(detail["sessions"]) == 1


def test_a_role_that_is_given_ends_the_sessions_and_is_in_the_audit_log(
    app: Flask, client: FlaskClient, carol: dict[str, str], bob: dict[str, Any]
) -> None:
    path = f"/api/admin/users/{bob['user']['id']}"
    own = {"Authorization": f"Bearer {bob['access_token']}"}

    changed = client.patch(path, json={"role": "box_office"}, headers=carol)

    assert (changed.status_code, changed.get_json()["role"]) == (200, "box_office")
    refused(client.get("/api/auth/profile", headers=own), 401, "token_revoked")
    again = client.post("/api/auth/login", json={"email": BOB["email"], "password": BOB["password"]}).get_json()
    assert again["user"]["role"] == "box_office"
    new = {"Authorization": f"Bearer {again['access_token']}"}
    assert client.get(f"/api/admin/bookings/{uuid4()}", headers=new).status_code == 404  # it may ask
    assert client.patch(path, json={"role": "box_office"}, headers=carol).status_code == 200  # nothing changes
    assert client.get("/api/auth/profile", headers=new).status_code == 200
    [act] = client.get("/api/admin/audit", headers=carol).get_json()["acts"]
    assert (act["action"], act["before"], act["after"]) == ("user.role", {"role": "user"}, {"role": "box_office"})
    assert client.patch(path, json={"role": "user"}, headers=carol).get_json()["role"] == "user"
    refused(client.get(f"/api/admin/bookings/{uuid4()}", headers=new), 401, "token_revoked")


@pytest.mark.parametrize("role", ["admin", "owner", "", None])
def test_no_role_but_the_box_offices_is_given_over_http(
    client: FlaskClient, carol: dict[str, str], bob: dict[str, Any], role: str | None
) -> None:
    path = f"/api/admin/users/{bob['user']['id']}"

    refused(client.patch(path, json={"role": role}, headers=carol), 422, "invalid_request")

    assert client.get(path, headers=carol).get_json()["user"]["role"] == "user"


def test_an_administrator_is_not_unmade_over_http(client: FlaskClient, carol: dict[str, str], engine: Engine) -> None:
    dave = make_admin(engine, "dave@example.com")

    unmade = client.patch(f"/api/admin/users/{dave}", json={"role": "user"}, headers=carol)
    refused(unmade, 409, "administrators_account")
    refused(client.patch(f"/api/admin/users/{uuid4()}", json={"role": "user"}, headers=carol), 404, "no_such_user")

    with transaction(engine) as connection:
        found = users.get_user(connection, dave)
        assert found is not None
        assert found.role == "admin"


def test_a_token_of_a_role_that_was_taken_away_opens_nothing_even_unrevoked(
    app: Flask, client: FlaskClient, engine: Engine
) -> None:
    with transaction(engine) as connection:
        mallory: UUID = users.insert_user(connection, "mallory@example.com", "", "").id

    for role in ("box_office", "admin"):
        stale = headers_of(app, mallory, role)
        refused(client.get(f"/api/admin/bookings/{uuid4()}", headers=stale), 403, "not_allowed")
