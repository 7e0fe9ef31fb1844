"""Log-ins are counted per account and per address, before a password is hashed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import auth
from core.settings import Settings
from db.kv import keys
from db.postgres import users
from db.postgres.engine import transaction
from tests.support.buyer import refused
from workers.stores import Stores

ALICE = {"email": "alice@example.com", "password": "correct horse"}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that have been hashed, none of which fits."""
    seen: list[str] = []

    def watched(_hash: str | None, password: str) -> bool:
        seen.append(password)
        return False

    monkeypatch.setattr(auth, "password_fits", watched)
    return seen


Clients = Callable[..., FlaskClient]


@pytest.fixture
def client_with(
    make_app: Callable[[Settings], Flask], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Clients:
    """Clients of applications with other settings."""

    def make(**environment: str) -> FlaskClient:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return make_app(Settings.from_env()).test_client()

    return make


def log_in(client: FlaskClient, address: str = "192.0.2.1", **changes: str) -> Any:
    environ = {"REMOTE_ADDR": address}
    return client.post("/api/auth/login", json={**ALICE, **changes}, environ_base=environ)


def test_the_sixth_attempt_in_a_minute_is_refused_unhashed(client: FlaskClient, hashed: list[str]) -> None:
    codes = [log_in(client, f"192.0.2.{number}").status_code for number in range(5)]

    response = log_in(client, "192.0.2.99")

    assert codes == [401] * 5
    body = refused(response, 429, "too_many_logins")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert "alice" not in str(body)
    assert len(hashed) == 5


def test_an_unknown_account_is_refused_alike(client: FlaskClient, hashed: list[str]) -> None:
    client.post("/api/auth/signup", json=ALICE)
    answers = []
    for email in (ALICE["email"], "nobody@example.com"):
        for number in range(6):
            response = log_in(client, f"198.51.100.{number}", email=email)
        body = response.get_json(force=True)
        body.pop("request_id")
        answers.append((response.status_code, body, "Retry-After" in response.headers))

    assert answers[0] == answers[1]
    assert answers[0][0] == 429


def test_all_spellings_of_an_address_share_one_count(client: FlaskClient, hashed: list[str]) -> None:
    spellings = [
        "alice@example.com",
        "ALICE@example.com",
        "alice@EXAMPLE.com",
        "\uff21lice@example.com",
        "aLiCe@example.com",
    ]
    for number, email in enumerate(spellings):
        log_in(client, f"192.0.2.{number}", email=email)

    assert log_in(client, "192.0.2.99").status_code == 429


def test_one_address_cannot_try_many_accounts(client: FlaskClient, hashed: list[str]) -> None:
    codes = [log_in(client, email=f"user{number}@example.com").status_code for number in range(31)]

    assert codes == [401] * 30 + [429]
    assert log_in(client, "192.0.2.2", email="user31@example.com").status_code == 401


def test_a_client_is_its_ipv6_network(client: FlaskClient, hashed: list[str]) -> None:
    for number in range(30):
        log_in(client, f"2001:db8:0:1::{number:x}", email=f"user{number}@example.com")

    assert log_in(client, "2001:db8:0:1:ffff::1", email="a@example.com").status_code == 429
    assert log_in(client, "2001:db8:0:2::1", email="a@example.com").status_code == 401


def test_behind_one_proxy_clients_are_told_apart(client_with: Clients, hashed: list[str]) -> None:
    client = client_with(TRUSTED_PROXIES="1", LOGINS_PER_ADDRESS="1")

    def from_(forwarded: str) -> int:
        body = {"email": f"{forwarded[-1]}@example.com", "password": "x"}
        return client.post("/api/auth/login", json=body, headers={"X-Forwarded-For": forwarded}).status_code

    assert from_("203.0.113.1") == 401
    assert from_("203.0.113.2") == 401
    assert from_("203.0.113.1") == 429
    # What the client itself wrote comes first, and is not trusted.
    assert from_("198.51.100.7, 203.0.113.1") == 429
    # Some proxies add the port, and an IPv6 /64 network is one client.
    assert from_("203.0.113.1:4711") == 429
    assert from_("203.0.113.3:4711") == 401
    assert from_("[2001:db8:0:1::7]:4711") == 401
    assert from_("2001:db8:0:1:ffff::8") == 429
    assert from_("[2001:db8:0:2::9]") == 401
    assert from_("::ffff:203.0.113.3") == 429


def test_signing_up_is_counted_by_address_too(client_with: Clients) -> None:
    client = client_with(LOGINS_PER_ADDRESS="2")
    bodies = [{"email": f"user{number}@example.com", "password": "long enough"} for number in range(3)]

    assert [client.post("/api/auth/signup", json=body).status_code for body in bodies] == [201, 201, 429]


def test_a_successful_log_in_resets_the_count(client: FlaskClient) -> None:
    client.post("/api/auth/signup", json=ALICE)
    for number in range(4):
        assert log_in(client, f"192.0.2.{number}", password="wrong").status_code == 401

    assert log_in(client).status_code == 200
    assert log_in(client, password="wrong").status_code == 401
    assert log_in(client).status_code == 200


def test_right_passwords_do_not_use_up_the_attempts_of_others_behind_one_address(client_with: Clients) -> None:
    client = client_with(LOGINS_PER_ADDRESS="3", LOGINS_PER_ACCOUNT="0")
    client.post("/api/auth/signup", json=ALICE, environ_base={"REMOTE_ADDR": "203.0.113.1"})

    assert [log_in(client).status_code for _ in range(15)] == [200] * 15
    # A guesser who logs in to another account in between gets no more attempts by that.
    codes = []
    for number in range(5):
        codes.append(log_in(client, email=f"user{number}@example.com").status_code)
        log_in(client)
    assert codes == [401] * 3 + [429] * 2


def test_many_users_log_in_at_once_from_one_address(client_with: Clients) -> None:
    client = client_with(LOGINS_PER_ADDRESS="8", LOGINS_PER_ACCOUNT="0")
    for number in range(8):
        body = {**ALICE, "email": f"user{number}@example.com"}
        client.post("/api/auth/signup", json=body, environ_base={"REMOTE_ADDR": f"203.0.113.{number}"})

    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            codes = list(
                pool.map(
                    lambda number: (
                        log_in(client.application.test_client(), email=f"user{number}@example.com").status_code
                    ),
                    range(8),
                )
            )
        assert set(codes) <= {200, 503}  # 503: too many hashes at once
    assert log_in(client, email="user0@example.com", password="wrong").status_code == 401


def test_continued_attempts_do_not_extend_the_lockout(client: FlaskClient, stores: Stores, hashed: list[str]) -> None:
    for number in range(20):
        log_in(client, f"192.0.2.{number}")

    counted = {
        key: (stores.client.get(key), stores.client.ttl(key)) for key in stores.client.keys(keys.attempts("*a:*"))
    }

    assert sorted(value for value, _ in counted.values()) == ["5", "5"]
    assert all(0 < ttl <= 3_600 for _, ttl in counted.values())


def test_no_key_in_redis_names_a_person(client: FlaskClient, stores: Stores, hashed: list[str]) -> None:
    log_in(client)

    assert not [key for key in stores.client.keys("*") if "alice" in key]


def test_the_limits_can_be_switched_off(client_with: Clients, hashed: list[str]) -> None:
    client = client_with(LOGINS_PER_ACCOUNT="0", LOGINS_PER_ADDRESS="0")

    assert {log_in(client).status_code for _ in range(40)} == {401}


def test_without_redis_nobody_logs_in_uncounted(client_with: Clients, hashed: list[str]) -> None:
    client = client_with(REDIS_URL="redis://127.0.0.1:1/0")

    refused(log_in(client), 503, "redis_unavailable")
    assert hashed == []


def test_a_log_in_replaces_a_weaker_hash(client: FlaskClient, engine: Engine) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(ALICE["password"])
    with transaction(engine) as connection:
        user = users.insert_user(connection, ALICE["email"], weak, "Alice")

    assert log_in(client).status_code == 200

    with transaction(engine) as connection:
        found = users.get_with_hash(connection, user.id)
    assert found is not None
    assert found[1] != weak
    assert log_in(client).status_code == 200
