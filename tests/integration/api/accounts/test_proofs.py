"""A change that could take an account from its owner requires the password: new e-mail, new password, deletion."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import in_front_of
from tests.integration.api.accounts.test_login_limits import Clients, client_with
from tests.integration.api.accounts.test_sessions import ALICE, bearer, log_in, pair, works
from tests.support.buyer import refused
from tests.support.rsgi import Answer, Server

__all__ = ["client_with", "pair"]

ROUTES = [
    ("PUT", {"name": "Al", "email": "al@example.com"}),
    ("DELETE", {}),
]


def send(client: FlaskClient, method: str, body: dict[str, str], one: dict[str, Any], **environ: str) -> TestResponse:
    return client.open("/api/auth/profile", method=method, json=body, headers=bearer(one), environ_base=environ)


@pytest.mark.parametrize(("method", "body"), ROUTES)
def test_without_the_password_it_is_refused_and_says_what_is_missing(
    client: FlaskClient, pair: dict[str, Any], method: str, body: dict[str, str]
) -> None:
    answer = refused(send(client, method, body, pair), 422, "invalid_request")

    assert [one["pointer"] for one in answer["errors"]] == ["/password"]
    assert log_in(client).status_code == 200


@pytest.mark.parametrize(("method", "body"), ROUTES)
def test_a_wrong_password_is_refused_and_counted(
    client: FlaskClient, pair: dict[str, Any], method: str, body: dict[str, str]
) -> None:
    for number in range(5):
        wrong = send(client, method, {**body, "password": "guess"}, pair, REMOTE_ADDR=f"192.0.2.{number}")
        refused(wrong, 401, "bad_credentials")

    right = send(client, method, {**body, "password": ALICE["password"]}, pair)
    refused(right, 429, "too_many_logins")
    refused(log_in(client), 429, "too_many_logins")  # all requests with this password share one count
    assert works(client, pair)


def test_a_name_is_changed_without_the_password(client: FlaskClient, pair: dict[str, Any]) -> None:
    assert send(client, "PUT", {"name": "Al"}, pair).status_code == 200


def test_asking_for_addresses_by_changing_ones_own_is_counted_as_signing_up(client_with: Clients) -> None:
    client = client_with(LOGINS_PER_ADDRESS="3")
    one = client.post("/api/auth/signup", json=ALICE, environ_base={"REMOTE_ADDR": "203.0.113.1"}).get_json()
    bob = {"email": "bob@example.com", "password": "correct horse"}
    client.post("/api/auth/signup", json=bob, environ_base={"REMOTE_ADDR": "203.0.113.1"})

    codes = []
    for email in ("bob@example.com", "free@example.com", "bob@example.com", "BOB@example.com"):
        body = {"name": "", "email": email, "password": ALICE["password"]}
        codes.append(send(client, "PUT", body, one).status_code)

    assert codes == [409, 200, 409, 429]
    assert client.post("/api/auth/signup", json={**ALICE, "email": "eve@example.com"}).status_code == 429


def test_a_deletion_has_a_body_through_the_whole_server(app: Flask) -> None:
    server = Server(in_front_of(app))
    alice = b'{"email": "alice@example.com", "password": "correct horse"}'

    def ask(method: str, path: str, body: bytes, **headers: str) -> Answer:
        sized = {"content-type": "application/json", "content-length": str(len(body))}
        return server.ask(method, path, sized | headers, body)

    token = ask("POST", "/api/auth/signup", alice).json["access_token"]
    own = {"authorization": f"Bearer {token}"}
    assert ask("DELETE", "/api/auth/profile", b'{"password": "guess"}', **own).status == 401
    assert ask("DELETE", "/api/auth/profile", b"", **own).status == 400
    assert server.ask("DELETE", "/api/auth/profile", own).status == 415
    assert ask("DELETE", "/api/auth/profile", b'{"password": "correct horse"}', **own).status == 204
    assert ask("POST", "/api/auth/login", alice).status == 401
    server.stop()


def test_the_document_states_that_an_address_requires_the_password(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]

    assert schemas["ProfileChange"]["dependentRequired"] == {"email": ["password"]}
    assert schemas["AccountDeletion"]["required"] == ["password"]
    assert "requestBody" in document["paths"]["/api/auth/profile"]["delete"]
