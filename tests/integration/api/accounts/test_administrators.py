"""An administrator's credentials: the api cannot change them, over HTTP or with its role in Postgres."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from db import revocations
from db.postgres import users
from db.postgres.engine import transaction
from tests.integration.db.test_roles import app, engines, settings, urls
from tests.support.buyer import refused
from tests.support.factories import make_admin

__all__ = ["app", "engines", "settings", "urls"]

OF_AN_ADMINISTRATOR = [
    "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE role = 'user')",
    "UPDATE users SET email = 'mallory@example.com' WHERE role = 'admin'",
    "UPDATE users SET email_key = 'mallory@example.com' WHERE role = 'admin'",
    "UPDATE users SET token_version = token_version - 1",
    "DELETE FROM users",
    "UPDATE users SET password_hash = 'x' WHERE role = 'admin'",
    "DELETE FROM revocations",
    "UPDATE users SET role = 'admin' WHERE role = 'user'",
    "UPDATE users SET role = 'user' WHERE role = 'admin'",
    "UPDATE users SET role = 'box_office' WHERE role = 'admin'",
]


@pytest.mark.parametrize("statement", OF_AN_ADMINISTRATOR)
def test_an_administrators_log_in_is_not_the_apis_to_change(
    engines: dict[str, Engine], engine: Engine, statement: str
) -> None:
    admin = make_admin(engine)
    with transaction(engine) as connection:
        users.insert_user(connection, "mallory@example.org", "known", "Mallory")
        revocations.insert_of_user(connection, admin, 1, 60)

    with (
        pytest.raises(ProgrammingError, match="permission denied for this change"),
        transaction(engines["onsale_api"]) as connection,
    ):
        connection.execute(text(statement))

    with transaction(engine) as connection:
        found = users.get_with_hash(connection, admin)
        assert found is not None
        assert (found[0].email, found[0].token_version) == ("carol@example.com", 0)
        connection.execute(text(statement.replace("- 1", "+ 1")))  # the owner may


def test_an_administrator_logs_in_out_and_everywhere_with_the_apis_rights(app: Flask, engine: Engine) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("correct horse")
    with transaction(engine) as connection:
        users.insert_admin(connection, "carol@example.com", weak)
    client, login = app.test_client(), {"email": "carol@example.com", "password": "correct horse"}
    pair = client.post("/api/auth/login", json=login).get_json()
    own = {"Authorization": f"Bearer {pair['access_token']}"}

    assert client.put("/api/auth/profile", json={"name": "Carol"}, headers=own).status_code == 200
    assert client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}).status_code == 200
    for method, path, body in (
        ("PUT", "/api/auth/password", {"new_password": "battery staple"}),
        ("PUT", "/api/auth/profile", {"name": "C", "email": "c@example.com"}),
        ("DELETE", "/api/auth/profile", {}),
    ):
        response = client.open(path, method=method, json={"password": "correct horse", **body}, headers=own)
        refused(response, 403, "administrators_account")
    assert client.delete("/api/auth/sessions", headers=own).status_code == 204
    assert client.post("/api/auth/login", json=login).status_code == 200
