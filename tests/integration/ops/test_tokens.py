"""`onsale tokens`: accounts that can book at once, and that end together with their tokens."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from api.access.revocations import Revocations
from core.errors import ConfigurationError, PostgresUnavailable, RedisUnavailable
from core.settings import Settings
from db import revocations
from db.postgres.engine import transaction
from ops import tokens
from ops.cli import main
from ops.up.running import find_running
from tests.support.buyer import refused
from tests.support.factories import make_show


@pytest.fixture(autouse=True)
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `onsale up` runs in this home, so the system's addresses come from the environment."""
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tokens", *arguments])


def accounts(engine: Engine) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM users WHERE load_test IS NOT NULL")).scalar_one())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def body_of(response: TestResponse, status: int) -> dict[str, Any]:
    """Assert that an answer has this status; return its body."""
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json(force=True)
    return body


def test_each_token_is_an_account_that_books_without_logging_in(client: FlaskClient, engine: Engine) -> None:
    show = make_show(engine)

    made = run("--count", "3").stdout.split()

    assert len(set(made)) == 3 == accounts(engine)
    for number, token in enumerate(made, 1):
        body = {"show_id": show, "seats": [f"A{number}"]}
        body_of(client.post("/api/bookings", json=body, headers=bearer(token)), 202)
        profile = body_of(client.get("/api/auth/profile", headers=bearer(token)), 200)
        assert profile["role"] == "user"
        refused(
            client.post("/api/auth/login", json={"email": profile["email"], "password": "!"}), 401, "bad_credentials"
        )


def test_they_are_removed_and_their_tokens_revoked_and_nobody_else_is(
    app: Flask, client: FlaskClient, engine: Engine
) -> None:
    kept = body_of(
        client.post("/api/auth/signup", json={"email": "dora@example.com", "password": "a long enough one"}), 201
    )
    first, second = run("--count", "2").stdout.split(), run("--count", "1").stdout.split()

    removed = run("--remove")

    assert removed.output == "accounts removed: 3\n"
    assert accounts(engine) == 0
    list_: Revocations = app.extensions["onsale-revocations"]
    list_.refresh()
    for token in (*first, *second):
        refused(client.get("/api/auth/profile", headers=bearer(token)), 401, "token_revoked")
    body_of(client.get("/api/auth/profile", headers=bearer(kept["access_token"])), 200)
    assert run("--remove").output == "accounts removed: 0\n"


def test_without_redis_nothing_is_removed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--count", "2")

    def unavailable(*_: object, **__: object) -> None:
        raise RedisUnavailable

    monkeypatch.setattr(revocations, "publish", unavailable)
    with pytest.raises(RedisUnavailable):
        tokens.remove(find_running())

    assert accounts(engine) == 2


def test_a_token_expires(client: FlaskClient) -> None:
    [token] = tokens.create(find_running(), 1, ttl_s=-60)

    refused(client.get("/api/auth/profile", headers=bearer(token)), 401, "token_expired")


def test_a_file_of_tokens_is_its_owners_alone(tmp_path: Path, engine: Engine) -> None:
    out = tmp_path / "tokens.txt"

    done = run("--count", "5", "--out", str(out))

    assert done.exit_code == 0, done.output
    assert len(out.read_text().split()) == 5
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert done.stdout == ""


def test_a_folder_that_is_missing_is_an_error_before_any_account_exists(tmp_path: Path, engine: Engine) -> None:
    done = run("--count", "5", "--out", str(tmp_path / "missing" / "tokens.txt"))

    assert done.exit_code == 2
    assert "there is no folder" in done.stderr
    assert accounts(engine) == 0


def test_production_refuses_unless_the_setting_allows_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONSALE_MODE", "production")
    refusal = run("--count", "2")

    assert (refusal.exit_code, accounts(engine)) == (2, 0)
    assert "LOAD_TEST_TOKENS" in refusal.stderr
    monkeypatch.setenv("LOAD_TEST_TOKENS", "true")
    assert run("--count", "2").exit_code == 0
    monkeypatch.delenv("LOAD_TEST_TOKENS")
    assert run("--remove").output == "accounts removed: 2\n"


@pytest.mark.parametrize(
    "words",
    ["", "--count 1 --remove", "--count 0", "--count 100001", "--count 1 --minutes 0", "--count 1 --minutes 10081"],
)
def test_wrong_options_are_usage_errors(words: str, engine: Engine) -> None:
    assert run(*words.split()).exit_code == 2
    assert accounts(engine) == 0


def test_if_postgres_is_unavailable_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")

    with pytest.raises((PostgresUnavailable, ConfigurationError)):
        tokens.create(find_running(), 1, 60)
