"""Refreshing, rotation and the detection of copies; logging out; revoking all sessions at once."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.access.revocations import Revocations
from api.shapes import answers
from core.settings import Settings
from db.postgres import sessions
from db.postgres.engine import transaction
from tests.support.buyer import refused
from tests.support.factories import headers_of, opened_app

ALICE = {"email": "alice@example.com", "password": "correct horse", "name": "Alice"}


def bearer(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def refresh(client: FlaskClient, pair: dict[str, Any]) -> Any:
    return client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})


def log_in(client: FlaskClient, password: str = ALICE["password"], address: str = "127.0.0.1") -> Any:
    body = {"email": ALICE["email"], "password": password}
    return client.post("/api/auth/login", json=body, environ_base={"REMOTE_ADDR": address})


@pytest.fixture
def pair(client: FlaskClient) -> dict[str, Any]:
    """Alice has signed up: her tokens."""
    body: dict[str, Any] = client.post("/api/auth/signup", json=ALICE).get_json()
    return body


@pytest.fixture
def other(settings: Settings) -> Any:
    """Another api process of the same installation: its application and a client."""
    with opened_app(settings) as app:
        list_: Revocations = app.extensions["onsale-revocations"]
        list_.refresh()
        yield app.test_client(), list_


def works(client: FlaskClient, pair: dict[str, Any]) -> bool:
    return client.get("/api/auth/bookings", headers=bearer(pair)).status_code == 200


def test_a_refresh_gives_the_next_pair_of_the_same_person(client: FlaskClient, pair: dict[str, Any]) -> None:
    response = refresh(client, pair)
    after = response.get_json()

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    answers.TOKEN.load(after)
    assert after["user"] == pair["user"]
    assert after["refresh_token"] != pair["refresh_token"]
    assert works(client, after)
    assert works(client, pair)


def test_a_refresh_token_used_twice_ends_its_session_and_no_other(
    client: FlaskClient, pair: dict[str, Any], other: Any
) -> None:
    elsewhere = log_in(client).get_json()
    second = refresh(client, pair).get_json()
    third = refresh(client, second).get_json()

    refused(refresh(client, pair), 401, "refresh_invalid")

    refused(refresh(client, third), 401, "refresh_invalid")
    for stolen in (pair, second, third):
        refused(client.get("/api/auth/bookings", headers=bearer(stolen)), 401, "token_revoked")
    other[1].refresh()
    refused(other[0].get("/api/auth/bookings", headers=bearer(third)), 401, "token_revoked")
    assert works(client, elsewhere)
    assert refresh(client, elsewhere).status_code == 200


def test_concurrent_refreshes_get_the_same_answer(app: Flask, pair: dict[str, Any]) -> None:
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: refresh(app.test_client(), pair), range(4)))

    assert {response.status_code for response in responses} <= {200, 503}  # 503: it waited too long for the lock
    pairs = [response.get_json() for response in responses if response.status_code == 200]
    assert len({one["refresh_token"] for one in pairs}) == 1
    assert all(works(app.test_client(), one) for one in pairs)
    assert refresh(app.test_client(), pairs[-1]).status_code == 200


@pytest.mark.parametrize("token", ["x", "\u00e9" * 70, "a" * 70, "a" * 256])
def test_an_unknown_refresh_token_is_refused_and_ends_nothing(
    client: FlaskClient, pair: dict[str, Any], token: str
) -> None:
    refused(client.post("/api/auth/refresh", json={"refresh_token": token}), 401, "refresh_invalid")

    assert works(client, pair)


def test_neither_token_is_taken_for_the_other(client: FlaskClient, pair: dict[str, Any]) -> None:
    swapped = {"access_token": pair["refresh_token"], "refresh_token": pair["access_token"]}

    refused(client.get("/api/auth/profile", headers=bearer(swapped)), 401, "token_invalid")
    assert refresh(client, swapped).status_code in (401, 422)


def test_a_session_ends_after_its_time_however_often_it_is_refreshed(
    client: FlaskClient, pair: dict[str, Any], engine: Engine
) -> None:
    after = refresh(client, pair).get_json()
    with transaction(engine) as connection:
        connection.execute(text("UPDATE sessions SET expires_at = now() - interval '1 second'"))

    refused(refresh(client, after), 401, "refresh_invalid")


def test_the_database_holds_no_refresh_token(client: FlaskClient, pair: dict[str, Any], engine: Engine) -> None:
    raw = base64.urlsafe_b64decode(pair["refresh_token"] + "==")
    with transaction(engine) as connection:
        rows = str(connection.execute(text("SELECT * FROM sessions, users")).all())

    for secret in (pair["refresh_token"], str(raw[-32:]), raw[-32:].hex()):
        assert secret not in rows


def test_logging_out_ends_this_session_in_every_process(
    client: FlaskClient, pair: dict[str, Any], other: Any
) -> None:
    elsewhere = log_in(client).get_json()
    assert works(other[0], pair)

    assert client.post("/api/auth/logout", headers=bearer(pair)).status_code == 204

    refused(client.get("/api/auth/profile", headers=bearer(pair)), 401, "token_revoked")
    refused(refresh(client, pair), 401, "refresh_invalid")
    other[1].refresh()
    assert not works(other[0], pair)
    assert works(other[0], elsewhere)


def test_logging_out_everywhere_ends_all_and_the_next_log_in_works(
    client: FlaskClient, pair: dict[str, Any], other: Any
) -> None:
    elsewhere = log_in(client).get_json()

    assert client.delete("/api/auth/sessions", headers=bearer(pair)).status_code == 204

    other[1].refresh()
    for one in (pair, elsewhere):
        assert not works(client, one)
        assert not works(other[0], one)
        refused(refresh(client, one), 401, "refresh_invalid")
    again = log_in(client).get_json()
    assert works(client, again)
    assert works(other[0], again)


def test_another_password_ends_all_sessions_and_opens_one(client: FlaskClient, pair: dict[str, Any]) -> None:
    body = {"password": ALICE["password"], "new_password": "battery staple"}

    response = client.put("/api/auth/password", json=body, headers=bearer(pair))

    assert response.status_code == 200
    assert works(client, response.get_json())
    assert not works(client, pair)
    refused(log_in(client), 401, "bad_credentials")
    assert log_in(client, "battery staple").status_code == 200


def test_the_password_is_not_changed_without_the_old_one(client: FlaskClient, pair: dict[str, Any]) -> None:
    body = {"password": "guessed", "new_password": "battery staple"}

    refused(client.put("/api/auth/password", json=body, headers=bearer(pair)), 401, "bad_credentials")

    assert works(client, pair)
    assert log_in(client).status_code == 200


def test_a_log_in_during_a_change_of_password_opens_no_session(
    app: Flask, client: FlaskClient, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was right when it was checked; it has changed by the time the session opens."""
    from api.accounts import auth

    def change_meanwhile(password_hash: str | None, password: str) -> bool:
        monkeypatch.undo()
        body = {"password": ALICE["password"], "new_password": "battery staple"}
        assert app.test_client().put("/api/auth/password", json=body, headers=bearer(pair)).status_code == 200
        return True

    monkeypatch.setattr(auth, "password_fits", change_meanwhile)

    refused(log_in(client), 401, "bad_credentials")


def test_the_oldest_of_too_many_sessions_ends(client: FlaskClient, pair: dict[str, Any], engine: Engine) -> None:
    user_id = pair["user"]["id"]
    for _ in range(sessions.MOST):
        with transaction(engine) as connection:
            sessions.insert_session(connection, user_id, 60, 60)

    with transaction(engine) as connection:
        assert len(sessions.list_of_user(connection, user_id)) == sessions.MOST
    refused(refresh(client, pair), 401, "refresh_invalid")


def test_a_token_without_an_account_can_be_logged_out_too(
    app: Flask, client: FlaskClient, settings: Settings
) -> None:
    buyer, stranger = headers_of(app), headers_of(app)

    assert client.post("/api/auth/logout", headers=buyer).status_code == 204

    assert client.get("/api/auth/bookings", headers=buyer).status_code == 401
    assert client.get("/api/auth/bookings", headers=stranger).status_code == 200
    refused(client.delete("/api/auth/sessions", headers=stranger), 404, "no_account")
