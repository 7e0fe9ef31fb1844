"""The session cookie: a refresh token that pages use without ever reading it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.accounts.cookies import HEADER, NAME
from tests.support.buyer import refused

ASKING = {HEADER: "1"}
BEN = {"email": "ben@example.com", "password": "correct horse", "name": "Ben"}


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A client that keeps cookies, as a browser does."""
    return app.test_client(use_cookies=True)


def cookie(browser: FlaskClient) -> str | None:
    found = browser.get_cookie(NAME, path="/api/auth")
    return found.value if found else None


def sign_up(browser: FlaskClient) -> dict[str, Any]:
    answer = browser.post("/api/auth/signup", json=BEN, headers=ASKING)
    assert answer.status_code == 201
    body: dict[str, Any] = answer.get_json()
    return body


def continued(browser: FlaskClient) -> Any:
    return browser.post("/api/auth/session", headers=ASKING)


def bearer(body: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {body['access_token']}"}


def test_the_refresh_token_is_in_the_cookie_and_nowhere_else(browser: FlaskClient) -> None:
    body = sign_up(browser)

    token = cookie(browser)

    assert body["refresh_token"] is None
    assert token is not None
    assert token not in str(body)


def test_the_cookie_is_rotated_with_each_use(browser: FlaskClient) -> None:
    sign_up(browser)
    first = cookie(browser)

    answer = continued(browser)

    assert answer.status_code == 200
    assert answer.get_json()["refresh_token"] is None
    assert cookie(browser) not in (None, first)
    assert browser.get("/api/auth/profile", headers=bearer(answer.get_json())).status_code == 200


def test_without_the_header_the_cookie_does_nothing(browser: FlaskClient) -> None:
    """A form or a picture of another page cannot send the header, whatever browser sends the cookie."""
    sign_up(browser)
    before = cookie(browser)

    refused(browser.post("/api/auth/session"), 401, "refresh_invalid")

    assert cookie(browser) == before
    assert continued(browser).status_code == 200


def test_no_preflight_allows_another_origin_to_send_the_header(app: Flask) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    answer = app.test_client().options("/api/auth/session", headers=headers)

    assert HEADER.lower() not in answer.headers.get("Access-Control-Allow-Headers", "").lower()
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/auth/logout"), ("DELETE", "/api/auth/sessions")])
def test_logging_out_removes_the_cookie_and_ends_its_session(browser: FlaskClient, method: str, path: str) -> None:
    body = sign_up(browser)
    stolen = cookie(browser)

    assert browser.open(path, method=method, headers=bearer(body)).status_code == 204

    assert cookie(browser) is None
    browser.set_cookie(NAME, str(stolen), path="/api/auth")
    refused(continued(browser), 401, "refresh_invalid")


def test_a_new_password_leaves_this_browser_signed_in_and_no_other(app: Flask, browser: FlaskClient) -> None:
    body = sign_up(browser)
    other = app.test_client(use_cookies=True)
    credentials = {"email": BEN["email"], "password": BEN["password"]}
    assert other.post("/api/auth/login", json=credentials, headers=ASKING).status_code == 200

    change = {"password": BEN["password"], "new_password": "a longer horse"}
    assert browser.put("/api/auth/password", json=change, headers=bearer(body) | ASKING).status_code == 200

    assert continued(browser).status_code == 200
    refused(continued(other), 401, "refresh_invalid")
