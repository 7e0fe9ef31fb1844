"""An app for one-time codes, on a clock that the test sets, and what an account does with it over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.accounts import codes
from api.shapes import answers, second_factor_answers
from core.second_factor import STEP_S, code_at

ALICE = {"email": "alice@example.com", "password": "correct horse"}
PATH = "/api/auth/second-factor"
PASSWORD = {"password": ALICE["password"]}


class Clock:
    """The api's clock, at the beginning of a step."""

    step = 60_000_000

    def code(self, secret: str, offset: int = 0) -> str:
        return code_at(base64.b32decode(secret), self.step + offset)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(codes, "now_s", lambda: clock.step * STEP_S)
    return clock


def bearer(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def log_in(client: FlaskClient, **more: Any) -> TestResponse:
    return client.post("/api/auth/login", json={**ALICE, **more})


def opened(response: TestResponse) -> dict[str, Any]:
    assert response.status_code in (200, 201), response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    assert answers.TOKEN.validate(body) == {}
    return body


@pytest.fixture
def pair(client: FlaskClient) -> dict[str, Any]:
    return opened(client.post("/api/auth/signup", json=ALICE))


def begin(client: FlaskClient, pair: dict[str, Any]) -> str:
    begun = client.post(PATH, json=PASSWORD, headers=bearer(pair))
    assert begun.status_code == 201, begun.get_data(as_text=True)
    assert second_factor_answers.SECRET.validate(begun.get_json()) == {}
    return str(begun.get_json()["secret"])


def enrol(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> tuple[str, dict[str, Any]]:
    """Enrol; return the secret, and the answer with new tokens and the recovery codes."""
    secret = begin(client, pair)
    confirmed = client.put(PATH, json={"code": clock.code(secret)}, headers=bearer(pair))
    assert confirmed.status_code == 200, confirmed.get_data(as_text=True)
    body: dict[str, Any] = confirmed.get_json()
    assert second_factor_answers.ENROLLED.validate(body) == {}
    clock.step += 1
    return secret, body
