"""ADMIN_SECOND_FACTOR=required: an administrator without a second factor can do nothing but enrol."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts.passwords import hash_password
from core.settings import Settings
from db.postgres import users
from db.postgres.engine import transaction
from tests.integration.db.test_roles import engines, settings, urls
from tests.support.authenticator import ALICE, PASSWORD, PATH, Clock, bearer, clock, enrol, log_in, opened
from tests.support.buyer import refused

#: The api has its own role in Postgres here.
__all__ = ["clock", "engines", "settings", "urls"]


@pytest.fixture
def required(
    make_app: Callable[[Settings], Flask], monkeypatch: pytest.MonkeyPatch, settings: Settings, engine: Engine
) -> FlaskClient:
    """A client where administrators need a second factor; alice is one, without it."""
    monkeypatch.setenv("ADMIN_SECOND_FACTOR", "required")
    with transaction(engine) as connection:
        users.insert_admin(connection, ALICE["email"], hash_password(ALICE["password"]))
    return make_app(Settings.from_env()).test_client()


ELSEWHERE = [
    ("GET", "/api/admin/audit"),
    ("GET", "/api/admin/lanes"),
    ("POST", "/api/movies"),
    ("GET", "/api/auth/profile"),
    ("GET", "/api/auth/export"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/bookings"),
    ("DELETE", PATH),
]


@pytest.mark.parametrize("renewed", [False, True], ids=["logged in", "refreshed"])
def test_an_administrator_without_it_can_only_enrol(required: FlaskClient, clock: Clock, renewed: bool) -> None:
    pair = opened(log_in(required))
    if renewed:
        pair = opened(required.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]}))
    assert pair["must_enrol"] is True
    for method, path in ELSEWHERE:
        refused(required.open(path, method=method, headers=bearer(pair)), 403, "second_factor_required")
    assert required.get(PATH, headers=bearer(pair)).get_json()["enrolled"] is False

    secret, body = enrol(required, pair, clock)

    assert body["must_enrol"] is False
    own = bearer(opened(log_in(required, code=clock.code(secret))))
    acts = required.get("/api/admin/audit", headers=own).get_json()["acts"]
    assert [(act["action"], act["actor_id"], act["actor_role"]) for act in acts] == [
        ("second_factor.enrol", pair["user"]["id"], "admin")
    ]
    assert secret not in str(acts)
    end = {**PASSWORD, "code": body["recovery_codes"][0]}
    assert required.delete(PATH, json=end, headers=own).status_code == 204
    # The token still names an administrator, who has no second factor any more.
    refused(required.get("/api/admin/audit", headers=own), 403, "second_factor_required")
    assert opened(log_in(required))["must_enrol"] is True


def test_others_need_none_where_administrators_do(required: FlaskClient) -> None:
    bob = opened(required.post("/api/auth/signup", json={**ALICE, "email": "bob@example.com"}))

    assert bob["must_enrol"] is False
    assert required.get("/api/auth/profile", headers=bearer(bob)).status_code == 200
