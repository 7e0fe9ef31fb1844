"""Addresses, passwords and names as people type them: blanks, capitals, accents, and invisible characters."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import passwords
from db.postgres import users
from db.postgres.engine import transaction
from tests.integration.api.accounts.test_sessions import bearer
from tests.support.buyer import refused

PASSWORD = "p\u00e4ssw\u00f6rd caf\u00e9"
NFD = unicodedata.normalize("NFD", PASSWORD)


def sign_up(client: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/api/auth/signup", json={"email": email, "password": password, **more})


def log_in(client: FlaskClient, email: str, password: str = PASSWORD) -> Any:
    return client.post("/api/auth/login", json={"email": email, "password": password})


@pytest.mark.parametrize(
    ("email", "spellings"),
    [
        (" Alice@Example.com\u00a0", ["alice@example.com", "\tALICE@EXAMPLE.COM ", "alice@example.com"]),
        ("z\u00f6e@example.com", ["Z\u00d6E@example.com", "zo\u0308e@example.com", "ZO\u0308E@EXAMPLE.COM"]),
        ("stra\u00dfe@example.com", ["STRASSE@example.com", "STRA\u1e9eE@example.com"]),
        ("\u03bf\u03b4\u03cc\u03c2@example.com", ["\u039f\u0394\u038c\u03a3@example.com"]),
    ],
)
def test_an_address_is_one_account_however_it_is_written(
    client: FlaskClient, email: str, spellings: list[str]
) -> None:
    made = sign_up(client, email)
    assert made.status_code == 201, made.get_data(as_text=True)
    assert made.get_json()["user"]["email"] == email.strip()

    for spelling in spellings:
        refused(sign_up(client, spelling), 409, "email_taken")
        assert log_in(client, spelling).status_code == 200


def test_an_address_is_composed_and_trimmed_where_it_is_changed_too(client: FlaskClient) -> None:
    sign_up(client, "zo\u00eb@example.com")
    own = bearer(sign_up(client, "alice@example.com").get_json())

    def move(email: str) -> Any:
        body = {"name": "", "email": email, "password": PASSWORD}
        return client.put("/api/auth/profile", json=body, headers=own)

    refused(move(" ZOE\u0308@example.com"), 409, "email_taken")
    assert move("  jose\u0301@example.com ").get_json()["email"] == "jos\u00e9@example.com"
    assert log_in(client, "JOS\u00c9@example.com").status_code == 200
    refused(log_in(client, "alice@example.com"), 401, "bad_credentials")


def test_a_password_is_the_same_in_both_spellings_of_its_accents(client: FlaskClient) -> None:
    sign_up(client, "alice@example.com", PASSWORD)
    sign_up(client, "bob@example.com", NFD)

    for email in ("alice@example.com", "bob@example.com"):
        for spelling in (PASSWORD, NFD):
            assert log_in(client, email, spelling).status_code == 200
        refused(log_in(client, email, PASSWORD.replace("\u00e9", "e")), 401, "bad_credentials")


def test_a_password_hashed_as_typed_still_fits_and_is_rehashed(client: FlaskClient, engine: Engine) -> None:
    as_typed = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1).hash(NFD)
    with transaction(engine) as connection:
        user = users.insert_user(connection, "alice@example.com", as_typed, "")

    refused(log_in(client, "alice@example.com", PASSWORD), 401, "bad_credentials")
    assert log_in(client, "alice@example.com", NFD).status_code == 200

    with transaction(engine) as connection:
        found = users.get_with_hash(connection, user.id)
    assert found is not None
    assert passwords.newer_hash(found[1], NFD) is None
    assert log_in(client, "alice@example.com", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    "blank", ["        ", "\u200b" * 8, "\u202e" * 8, "\u00a0\u2003\u3000\u200d\u2066\u2069\ufeff ", "\u3164" * 8]
)
def test_a_name_or_password_without_visible_characters_is_refused(client: FlaskClient, blank: str) -> None:
    own = bearer(sign_up(client, "alice@example.com").get_json())

    for response, pointer in (
        (sign_up(client, "bob@example.com", name=blank), "/name"),
        (sign_up(client, "bob@example.com", blank), "/password"),
        (client.put("/api/auth/profile", json={"name": blank}, headers=own), "/name"),
        (
            client.put("/api/auth/password", json={"password": PASSWORD, "new_password": blank}, headers=own),
            "/new_password",
        ),
    ):
        body = refused(response, 422, "invalid_request")
        assert [one["pointer"] for one in body["errors"]] == [pointer]
        assert body["errors"][0]["detail"] == "Nothing of it can be seen."


def test_a_name_is_trimmed_and_may_not_override_direction(client: FlaskClient) -> None:
    made = sign_up(client, "alice@example.com", name="  Zoe\u0308 \u200b")
    body = refused(sign_up(client, "bob@example.com", name="admin\u202e"), 422, "invalid_request")

    assert made.get_json()["user"]["name"] == "Zo\u00eb"
    assert "direction" in body["errors"][0]["detail"]
    assert sign_up(client, "bob@example.com", name="").status_code == 201


def test_lengths_are_those_of_the_composed_text(client: FlaskClient) -> None:
    long = "e\u0301" * 200

    assert sign_up(client, "alice@example.com", name=long).status_code == 201
    assert sign_up(client, "bob@example.com", "e\u0301" * 256).status_code == 201
    assert log_in(client, "bob@example.com", "e\u0301" * 256).status_code == 200
    refused(sign_up(client, "eve@example.com", "e\u0301" * 7), 422, "invalid_request")
