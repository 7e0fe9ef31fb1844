"""`onsale password`: it changes an administrator's password, and ends the account's sessions."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.access.revocations import Revocations
from api.accounts.passwords import hash_password
from core.errors import ConfigurationError, RedisUnavailable
from core.settings import Settings
from db import revocations
from db.postgres import users
from db.postgres.engine import transaction
from ops.cli import main
from ops.password import set_password
from ops.up.running import find_running
from tests.support.buyer import refused

OLD, NEW = "correct horse", "battery staple 2"
CAROL = "carol@example.com"


@pytest.fixture(autouse=True)
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `onsale up` runs in this home, so the system's addresses come from the environment."""
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))


@pytest.fixture
def carol(engine: Engine) -> str:
    with transaction(engine) as connection:
        users.insert_admin(connection, CAROL, hash_password(OLD))
    return CAROL


def log_in(client: FlaskClient, password: str, email: str = CAROL) -> dict[str, str]:
    body = client.post("/api/auth/login", json={"email": email, "password": password}).get_json(force=True)
    return {"Authorization": f"Bearer {body.get('access_token')}", "refresh_token": body.get("refresh_token")}


def test_the_new_password_works_and_earlier_sessions_end(app: Flask, client: FlaskClient, carol: str) -> None:
    before = log_in(client, OLD)
    list_: Revocations = app.extensions["onsale-revocations"]
    list_.refresh()

    done = CliRunner().invoke(main, ["password", carol.upper()], input=f"{NEW}\n{NEW}\n")

    assert done.exit_code == 0, done.output
    assert NEW not in done.output
    list_.refresh()
    own = {"Authorization": before["Authorization"]}
    refused(client.get("/api/auth/profile", headers=own), 401, "token_revoked")
    again = client.post("/api/auth/refresh", json={"refresh_token": before["refresh_token"]})
    refused(again, 401, "refresh_invalid")
    refused(client.post("/api/auth/login", json={"email": carol, "password": OLD}), 401, "bad_credentials")
    assert (
        client.post("/api/movies", json={"title": "M", "duration_min": 9}, headers=log_in(client, NEW)).status_code
        == 201
    )


def test_the_address_may_change_with_it(client: FlaskClient, carol: str) -> None:
    done = CliRunner().invoke(
        main, ["password", carol, "--new-address", "chief@example.com"], input=f"{NEW}\n{NEW}\n"
    )

    assert done.exit_code == 0, done.output
    refused(client.post("/api/auth/login", json={"email": carol, "password": NEW}), 401, "bad_credentials")
    assert client.post("/api/auth/login", json={"email": "Chief@example.com", "password": NEW}).status_code == 200


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "password12345", "\u200b" * 16])
def test_a_password_that_can_be_guessed_is_refused(client: FlaskClient, carol: str, password: str) -> None:
    with pytest.raises(ConfigurationError):
        set_password(find_running(), carol, password)

    assert "None" not in log_in(client, OLD)["Authorization"]


def test_an_unknown_address_is_an_error(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"no account nobody@example\.com"):
        set_password(find_running(), "nobody@example.com", NEW)


def test_if_the_revocation_cannot_be_published_nothing_is_changed(
    client: FlaskClient, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        raise RedisUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(revocations, "publish", unavailable)
        with pytest.raises(RedisUnavailable):
            set_password(find_running(), carol, NEW)

    assert "None" not in log_in(client, OLD)["Authorization"]
