"""`onsale admin`: the only way to make and unmake administrators."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.access.revocations import Revocations
from core.settings import Settings
from db.postgres import second_factors, users
from db.postgres.audit_log import AuditFilter, list_acts
from db.postgres.engine import transaction
from ops.cli import main
from tests.support.buyer import refused

BOB = {"email": "bob@example.com", "password": "correct horse"}
PASSWORD = "battery staple 2"


@pytest.fixture(autouse=True)
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `onsale up` runs in this home, so the system's addresses come from the environment."""
    monkeypatch.setenv("ONSALE_HOME", str(tmp_path))


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["admin", *arguments], input=typed)


def acts(engine: Engine) -> list[tuple[str, object, object]]:
    with transaction(engine) as connection:
        rows = list_acts(connection, AuditFilter(), after=None, limit=10)
    return [(row.act.action, row.act.before, row.act.after) for row in rows]


def test_an_account_becomes_an_administrator_and_a_user_again(
    app: Flask, client: FlaskClient, engine: Engine
) -> None:
    pair = client.post("/api/auth/signup", json=BOB).get_json()
    with transaction(engine) as connection:
        users.insert_admin(connection, "carol@example.com", "no hash")
    revoked: Revocations = app.extensions["onsale-revocations"]

    granted = run("grant", "BOB@example.com")

    assert (granted.exit_code, granted.output.count("\n")) == (0, 1), granted.output
    revoked.refresh()
    own = {"Authorization": f"Bearer {pair['access_token']}"}
    refused(client.get("/api/auth/profile", headers=own), 401, "token_revoked")
    login = client.post("/api/auth/login", json=BOB).get_json()
    new = {"Authorization": f"Bearer {login['access_token']}"}
    assert client.get("/api/admin/audit", headers=new).status_code == 200
    assert run("list").output.split() == ["bob@example.com", "carol@example.com"]
    assert "already" in run("grant", "bob@example.com").output

    assert run("revoke", "bob@example.com").exit_code == 0

    revoked.refresh()
    refused(client.get("/api/admin/audit", headers=new), 401, "token_revoked")
    assert acts(engine) == [
        ("user.role", {"role": "admin"}, {"role": "user"}), ("user.role", {"role": "user"}, {"role": "admin"}),
    ]  # fmt: skip


def test_a_new_administrator_is_created_with_a_password_that_is_asked_for(
    client: FlaskClient, engine: Engine
) -> None:
    weak = run("grant", "carol@example.com", "--create", typed="short\nshort\n")
    assert weak.exit_code == 2
    assert "shorter than" in weak.stderr

    made = run("grant", "carol@example.com", "--create", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output
    login = client.post("/api/auth/login", json={"email": "carol@example.com", "password": PASSWORD})
    assert login.get_json()["user"]["role"] == "admin"
    again = run("grant", "carol@example.com", "--create", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert (again.exit_code, "already" in again.stderr) == (2, True)
    assert acts(engine) == [("user.create", None, {"role": "admin"})]


def test_the_last_administrator_remains(engine: Engine) -> None:
    with transaction(engine) as connection:
        users.insert_admin(connection, "carol@example.com", "no hash")

    refused_ = run("revoke", "carol@example.com")

    assert (refused_.exit_code, "only administrator" in refused_.stderr) == (2, True)
    assert run("list").output.split() == ["carol@example.com"]
    assert acts(engine) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("grant", "nobody@example.com"),
        ("revoke", "nobody@example.com"),
        ("reset-second-factor", "nobody@example.com"),
    ],
)
def test_an_account_that_does_not_exist_is_one_line_and_exit_code_2(arguments: tuple[str, str]) -> None:
    result = run(*arguments)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "no account" in result.stderr


def test_a_user_is_not_revoked(client: FlaskClient) -> None:
    client.post("/api/auth/signup", json=BOB)

    assert "is no administrator" in run("revoke", "bob@example.com").stderr


def test_a_second_factor_is_reset_and_the_sessions_end(app: Flask, client: FlaskClient, engine: Engine) -> None:
    pair = client.post("/api/auth/signup", json=BOB).get_json()
    own = {"Authorization": f"Bearer {pair['access_token']}"}
    assert "no second factor." in run("reset-second-factor", "bob@example.com").output
    assert acts(engine) == []
    with transaction(engine) as connection:
        second_factors.begin(connection, pair["user"]["id"], b"s" * 20)
        second_factors.confirm(connection, pair["user"]["id"], 1, [b"h" * 32])
    refused(client.post("/api/auth/login", json=BOB), 401, "second_factor_required")

    reset = run("reset-second-factor", "BOB@example.com")

    assert (reset.exit_code, reset.output.count("\n")) == (0, 1), reset.output
    app.extensions["onsale-revocations"].refresh()
    refused(client.get("/api/auth/profile", headers=own), 401, "token_revoked")
    assert client.post("/api/auth/login", json=BOB).status_code == 200
    assert acts(engine) == [("second_factor.reset", None, None)]
    with transaction(engine) as connection:
        assert second_factors.count_recovery_codes(connection, pair["user"]["id"]) == 0
