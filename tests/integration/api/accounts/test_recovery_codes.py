"""New recovery codes in place of the old ones, with the api's own role in Postgres; what an export says of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from api.shapes import answers, second_factor_answers
from db.postgres import audit_log
from db.postgres.audit_log import AuditFilter
from db.postgres.engine import transaction
from tests.integration.db.test_roles import app, engines, settings, urls
from tests.support.authenticator import PASSWORD, PATH, Clock, bearer, clock, enrol, log_in, opened, pair
from tests.support.buyer import refused

#: The api has its own role in Postgres here.
__all__ = ["app", "clock", "engines", "pair", "settings", "urls"]

RENEW = f"{PATH}/recovery-codes"
ACTION = "second_factor.recovery_codes"


class Account:
    """Alice, enrolled."""

    def __init__(self, client: FlaskClient, pair: dict[str, Any], clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.secret, body = enrol(client, pair, clock)
        self.headers, self.first = bearer(body), body["recovery_codes"]

    def renew(self, client: FlaskClient | None = None, **values: Any) -> TestResponse:
        return (client or self.client).post(RENEW, json={**PASSWORD, **values}, headers=self.headers)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.client.get(PATH, headers=self.headers).get_json()
        return state


@pytest.fixture
def account(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> Account:
    return Account(client, pair, clock)


def renewed(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    assert second_factor_answers.RECOVERY_CODES.validate(response.get_json()) == {}
    return list(response.get_json()["recovery_codes"])


def test_new_recovery_codes_replace_the_old_ones_and_nothing_else(account: Account, client: FlaskClient) -> None:
    new = renewed(account.renew(code=account.clock.code(account.secret)))

    assert (len(set(new)), set(new) & set(account.first)) == (10, set())
    assert account.state()["recovery_codes_left"] == 10
    refused(log_in(client, code=account.first[0]), 401, "second_factor_wrong")
    opened(log_in(client, code=new[0]))
    opened(log_in(client, code=account.clock.code(account.secret, 1)))  # the app's secret is the same
    assert client.get("/api/auth/profile", headers=account.headers).status_code == 200  # and the session goes on


def test_the_last_recovery_code_is_enough(account: Account, client: FlaskClient) -> None:
    new = renewed(account.renew(code=account.first[9]))

    refused(account.renew(code=account.first[9]), 401, "second_factor_wrong")
    assert account.state()["recovery_codes_left"] == 10
    opened(log_in(client, code=new[9]))


def test_what_is_refused_leaves_the_codes_as_they_are(account: Account, client: FlaskClient, app: Flask) -> None:
    code = account.clock.code(account.secret)

    refused(account.renew(code="000000"), 401, "second_factor_wrong")
    refused(account.renew(code=code, password="wrong"), 401, "bad_credentials")
    for values in ({}, {"code": 123456}, {"code": ""}, {"code": code, "more": 1}):
        refused(account.renew(**values), 422, "invalid_request")
    refused(app.test_client().post(RENEW, json={**PASSWORD, "code": code}), 401, "token_missing")

    assert account.state()["recovery_codes_left"] == 10
    opened(log_in(client, code=account.first[0]))
    opened(log_in(client, code=code))  # it was not used up


def test_without_a_second_factor_there_is_nothing_to_renew(client: FlaskClient, pair: dict[str, Any]) -> None:
    refused(client.post(RENEW, json={**PASSWORD, "code": "123456"}, headers=bearer(pair)), 404, "no_second_factor")


def test_a_code_renews_once_however_many_try(account: Account, app: Flask, client: FlaskClient) -> None:
    code = account.clock.code(account.secret)

    with ThreadPoolExecutor(3) as pool:
        responses = list(pool.map(lambda _: account.renew(app.test_client(), code=code), range(3)))

    assert sorted(each.status_code for each in responses) == [200, 401, 401]
    assert account.state()["recovery_codes_left"] == 10


@pytest.mark.parametrize(("role", "rows"), [("user", []), ("box_office", [("box_office", ACTION)])])
def test_the_audit_log_has_it_of_staff(
    account: Account, pair: dict[str, Any], engine: Engine, role: str, rows: list[tuple[str, str]]
) -> None:
    with transaction(engine) as connection:
        given = {"role": role, "id": UUID(pair["user"]["id"])}
        connection.execute(text("UPDATE users SET role = :role WHERE id = :id"), given)

    new = renewed(account.renew(code=account.first[0]))

    with transaction(engine) as connection:
        found = audit_log.list_acts(connection, AuditFilter(action=ACTION), after=None, limit=10)
    assert [(row.act.actor_role, row.act.action) for row in found] == rows
    assert not any(code in repr(found) for code in new)


def test_an_export_says_since_when_there_is_a_second_factor_and_no_secret(
    account: Account, client: FlaskClient
) -> None:
    renewed(account.renew(code=account.first[0]))

    response = client.get("/api/auth/export", headers=account.headers)

    assert answers.EXPORT.validate(response.get_json()) == {}
    assert response.get_json()["second_factor"] == account.state()
    assert response.get_json()["second_factor"]["enrolled_at"] is not None
    assert account.secret not in response.text


def test_an_export_says_that_there_is_none(client: FlaskClient, pair: dict[str, Any]) -> None:
    exported = client.get("/api/auth/export", headers=bearer(pair)).get_json()

    assert exported["second_factor"] == {"enrolled": False, "enrolled_at": None, "recovery_codes_left": 0}
