"""Refreshing: repeated, limited, across key rotations and restores; and the pruning of expired rows."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.access import revocations as module
from api.access.revocations import Revocations
from api.accounts.login_limits import REFRESHES
from db.postgres.engine import transaction
from db.postgres.sessions import GRACE_S
from proof.kit.waiting import until
from tests.conftest import SECRET
from tests.integration.api.accounts.test_login_limits import Clients, client_with
from tests.integration.api.accounts.test_sessions import bearer, log_in, pair, refresh, works
from tests.support.buyer import refused

__all__ = ["client_with", "pair"]


def change(engine: Engine, statement: str, **values: int) -> None:
    with transaction(engine) as connection:
        connection.execute(text(statement), values)


def let_pass(engine: Engine, seconds: int) -> None:
    """Shift every session's last refresh into the past."""
    change(
        engine, "UPDATE sessions SET refreshed_at = refreshed_at - make_interval(secs => :seconds)", seconds=seconds
    )


def count(engine: Engine, table: str) -> int:
    with transaction(engine) as connection:
        return int(connection.exec_driver_sql(f"TABLE {table}").rowcount)


def test_a_lost_answer_or_a_second_tab_gets_the_same_pair_and_the_session_continues(
    client: FlaskClient, pair: dict[str, Any], engine: Engine
) -> None:
    first = refresh(client, pair).get_json()

    again = refresh(client, pair)

    assert again.status_code == 200
    assert again.get_json()["refresh_token"] == first["refresh_token"]
    assert works(client, first)
    assert works(client, again.get_json())
    let_pass(engine, GRACE_S + 1)
    assert refresh(client, again.get_json()).status_code == 200


def test_after_some_seconds_a_token_that_was_used_ends_its_session(
    client: FlaskClient, pair: dict[str, Any], engine: Engine
) -> None:
    first = refresh(client, pair).get_json()
    again = refresh(client, pair).get_json()
    let_pass(engine, GRACE_S + 1)

    refused(refresh(client, pair), 401, "refresh_invalid")

    for one in (pair, first, again):
        assert not works(client, one)
    refused(refresh(client, first), 401, "refresh_invalid")


def test_a_repetition_does_not_lengthen_the_grace(client: FlaskClient, pair: dict[str, Any], engine: Engine) -> None:
    refresh(client, pair)
    let_pass(engine, GRACE_S - 2)
    assert refresh(client, pair).status_code == 200
    let_pass(engine, 3)

    refused(refresh(client, pair), 401, "refresh_invalid")


def test_a_token_of_the_generation_before_the_last_has_no_grace(client: FlaskClient, pair: dict[str, Any]) -> None:
    refresh(client, refresh(client, pair).get_json())

    refused(refresh(client, pair), 401, "refresh_invalid")


def test_one_session_refreshes_so_often_a_minute_and_no_other_pays(client: FlaskClient, pair: dict[str, Any]) -> None:
    latest = pair
    for _ in range(REFRESHES):
        latest = refresh(client, latest).get_json()

    response = refresh(client, latest)

    refused(response, 429, "too_many_logins")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert works(client, latest)
    assert refresh(client, log_in(client).get_json()).status_code == 200


def test_rejected_refreshes_are_limited_by_address_and_good_ones_are_not(
    client_with: Clients, engine: Engine
) -> None:
    client = client_with(LOGINS_PER_ADDRESS="1", LOGINS_PER_ACCOUNT="0")
    alice = {"email": "alice@example.com", "password": "correct horse"}
    pair = client.post("/api/auth/signup", json=alice).get_json()
    ended = [log_in(client, address=f"192.0.2.{number}").get_json() for number in range(11)]
    for one in ended:
        assert client.post("/api/auth/logout", headers=bearer(one)).status_code == 204

    for _ in range(15):
        response = refresh(client, pair)
        assert response.status_code == 200
        pair = response.get_json()
    codes = [refresh(client, one).status_code for one in ended]

    assert codes == [401] * 10 + [429]
    elsewhere = {"REMOTE_ADDR": "203.0.113.1"}
    body = {"refresh_token": pair["refresh_token"]}
    assert client.post("/api/auth/refresh", json=body, environ_base=elsewhere).status_code == 200


def test_a_session_is_one_row_however_often_it_is_refreshed(
    client: FlaskClient, pair: dict[str, Any], engine: Engine
) -> None:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    with transaction(engine) as connection:
        names = list(connection.execute(text(tables)).scalars())
    before = {name: count(engine, name) for name in names}
    latest = pair
    for _ in range(20):
        latest = refresh(client, latest).get_json()

    assert {name: count(engine, name) for name in names} == before
    assert before["sessions"] == 1


def test_refresh_tokens_survive_the_rotation_of_a_key(client_with: Clients) -> None:
    old, new = SECRET, "the next secret for tests, long enough for HS256"
    alice = {"email": "alice@example.com", "password": "correct horse"}
    pair = client_with().post("/api/auth/signup", json=alice).get_json()

    pair = refresh(client_with(JWT_SECRET_NEXT=new), pair).get_json()
    pair = refresh(client_with(JWT_SECRET=new, JWT_SECRET_PREVIOUS=old, JWT_SECRET_NEXT=""), pair).get_json()
    after = client_with(JWT_SECRET=new, JWT_SECRET_PREVIOUS="")

    assert works(after, pair)
    pair = refresh(after, pair).get_json()
    refused(refresh(client_with(JWT_SECRET=old), pair), 401, "refresh_invalid")


def test_after_a_restore_of_postgres_newer_tokens_are_accepted(
    client: FlaskClient, pair: dict[str, Any], engine: Engine
) -> None:
    third = refresh(client, refresh(client, pair).get_json()).get_json()
    change(engine, "UPDATE sessions SET generation = 0, refreshed_at = NULL")

    after = refresh(client, third).get_json()

    assert refresh(client, after).status_code == 200
    refused(refresh(client, third), 401, "refresh_invalid")


def test_whatever_is_written_into_postgres_makes_no_token(client: FlaskClient, engine: Engine) -> None:
    """With only the api's role in Postgres, an attacker can insert a session, but has no token to refresh it."""
    client.post("/api/auth/signup", json={"email": "alice@example.com", "password": "correct horse"})
    opened = """
        INSERT INTO sessions (user_id, expires_at, tokens_end_at)
        SELECT id, now() + interval '1 day', now() FROM users
        RETURNING id::text
    """
    with transaction(engine) as connection:
        session = connection.execute(text(opened)).scalar_one()

    for token in (session, session.replace("-", ""), "A" * 70):
        refused(client.post("/api/auth/refresh", json={"refresh_token": token}), 401, "refresh_invalid")


EXPIRED = """
    INSERT INTO sessions (user_id, expires_at, tokens_end_at)
    SELECT users.id, now() - interval '1 hour', now() FROM users, generate_series(1, 2500);
    INSERT INTO revocations (session_id, expires_at)
    SELECT number::text, now() - interval '1 hour' FROM generate_series(1, 2500) number;
"""


def test_all_expired_rows_are_deleted_however_many(app: Flask, pair: dict[str, Any], engine: Engine) -> None:
    change(engine, EXPIRED)
    list_: Revocations = app.extensions["onsale-revocations"]

    assert [list_.prune() for _ in range(3)] == [True, True, False]

    assert (count(engine, "sessions"), count(engine, "revocations")) == (1, 0)


def test_a_locked_row_does_not_stop_pruning(app: Flask, pair: dict[str, Any], engine: Engine) -> None:
    change(engine, EXPIRED)
    list_: Revocations = app.extensions["onsale-revocations"]
    with transaction(engine) as connection:
        held = "SELECT id FROM sessions WHERE expires_at < now() ORDER BY expires_at, id LIMIT 1500 FOR UPDATE"
        connection.execute(text(held))

        while list_.prune():
            pass

        assert count(engine, "sessions") == 1 + 1500
    while list_.prune():
        pass
    assert count(engine, "sessions") == 1


def test_a_process_that_lives_for_a_minute_prunes_too(
    app: Flask, pair: dict[str, Any], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(engine, EXPIRED)
    monkeypatch.setattr(module, "TICK_S", 0.01)
    monkeypatch.setattr(module, "FIRST_PRUNE_S", 0.05)
    list_: Revocations = app.extensions["onsale-revocations"]

    list_.start()

    until(lambda: (count(engine, "sessions"), count(engine, "revocations")) == (1, 0))
    list_.stop()
