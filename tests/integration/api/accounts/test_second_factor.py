"""The second factor over HTTP, with the api's own role in Postgres."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from werkzeug.test import TestResponse

from api.accounts import codes
from api.shapes import second_factor_answers
from api.web.errors import SecondFactorWrong
from db.postgres.engine import transaction
from proof.kit.waiting import until
from tests.integration.db.test_roles import app, engines, settings, urls
from tests.support.authenticator import (
    ALICE,
    PASSWORD,
    PATH,
    Clock,
    bearer,
    begin,
    clock,
    enrol,
    log_in,
    opened,
    pair,
)
from tests.support.buyer import refused

#: The api has its own role in Postgres here.
__all__ = ["app", "clock", "engines", "pair", "settings", "urls"]


def test_once_confirmed_a_log_in_needs_a_code(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> None:
    secret = begin(client, pair)
    opened(log_in(client))  # not confirmed: nobody is locked out by half an enrolment

    refused(client.put(PATH, json={"code": "000000"}, headers=bearer(pair)), 401, "second_factor_wrong")
    secret, body = enrol(client, pair, clock)

    refused(log_in(client), 401, "second_factor_required")
    refused(log_in(client, code="1"), 401, "second_factor_wrong")
    assert opened(log_in(client, code=clock.code(secret)))["must_enrol"] is False
    assert client.get("/api/auth/profile", headers=bearer(body)).status_code == 200
    state = client.get(PATH, headers=bearer(body)).get_json()
    assert second_factor_answers.STATE.validate(state) == {}
    assert (state["enrolled"], state["recovery_codes_left"]) == (True, 10)


def test_without_the_right_password_a_code_tells_nothing(
    client: FlaskClient, pair: dict[str, Any], clock: Clock
) -> None:
    secret, _ = enrol(client, pair, clock)

    refused(log_in(client, password="wrong"), 401, "bad_credentials")
    refused(log_in(client, password="wrong", code=clock.code(secret)), 401, "bad_credentials")

    opened(log_in(client, code=clock.code(secret)))  # the code was not used up


def test_confirming_ends_all_earlier_sessions(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> None:
    stolen = opened(log_in(client))

    _, body = enrol(client, pair, clock)

    for old in (stolen, pair):
        refused(client.get("/api/auth/profile", headers=bearer(old)), 401, "token_revoked")
        old_refresh = client.post("/api/auth/refresh", json={"refresh_token": old["refresh_token"]})
        refused(old_refresh, 401, "refresh_invalid")
    again = opened(client.post("/api/auth/refresh", json={"refresh_token": body["refresh_token"]}))  # without a code
    assert client.get("/api/auth/profile", headers=bearer(again)).status_code == 200


def test_one_code_opens_one_session(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> None:
    secret, _ = enrol(client, pair, clock)
    code = clock.code(secret)
    opened(log_in(client, code=code))

    refused(log_in(client, code=code), 401, "second_factor_wrong")
    refused(log_in(client, code=clock.code(secret, -1)), 401, "second_factor_wrong")  # confirmed the secret
    opened(log_in(client, code=clock.code(secret, 1)))


def test_of_log_ins_with_one_code_at_once_one_succeeds(
    app: Flask, client: FlaskClient, pair: dict[str, Any], clock: Clock
) -> None:
    secret, _ = enrol(client, pair, clock)
    code = clock.code(secret)

    with ThreadPoolExecutor(3) as pool:
        answered = list(pool.map(lambda _: log_in(app.test_client(), code=code).status_code, range(3)))

    assert sorted(answered) == [200, 401, 401]


def test_each_recovery_code_opens_one_session_in_any_spelling(
    client: FlaskClient, pair: dict[str, Any], clock: Clock
) -> None:
    _, body = enrol(client, pair, clock)
    first, second, *_ = body["recovery_codes"]
    assert len(set(body["recovery_codes"])) == 10

    opened(log_in(client, code=first))
    refused(log_in(client, code=first), 401, "second_factor_wrong")
    opened(log_in(client, code=second.lower().replace("-", "")))

    assert client.get(PATH, headers=bearer(body)).get_json()["recovery_codes_left"] == 8


def test_a_recovery_code_is_not_used_up_by_a_log_in_that_fails(
    client: FlaskClient, pair: dict[str, Any], clock: Clock, engine: Engine
) -> None:
    _, body = enrol(client, pair, clock)
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE sessions ADD CONSTRAINT none CHECK (false) NOT VALID"))
    assert log_in(client, code=body["recovery_codes"][0]).status_code == 500
    with transaction(engine) as connection:
        connection.execute(text("ALTER TABLE sessions DROP CONSTRAINT none"))

    opened(log_in(client, code=body["recovery_codes"][0]))


def test_recovery_codes_are_stored_as_hashes(
    client: FlaskClient, pair: dict[str, Any], clock: Clock, engine: Engine
) -> None:
    _, body = enrol(client, pair, clock)

    with transaction(engine) as connection:
        stored = b"".join(connection.execute(text("SELECT code_hash FROM recovery_codes")).scalars())
    assert len(stored) == 320
    for code in body["recovery_codes"]:
        assert code.encode() not in stored
        assert base64.b32decode(code.replace("-", "")) not in stored


def test_guesses_of_codes_are_limited_and_the_password_does_not_reset_the_count(
    client: FlaskClient, pair: dict[str, Any], clock: Clock
) -> None:
    secret, body = enrol(client, pair, clock)
    change = {"name": "A", "email": "al@example.com", "password": ALICE["password"]}

    for _ in range(2):
        refused(log_in(client, code="1"), 401, "second_factor_wrong")
        refused(log_in(client), 401, "second_factor_required")
    assert (
        client.put("/api/auth/profile", json={**change, "email": ALICE["email"]}, headers=bearer(body)).status_code
        == 200
    )

    refused(log_in(client, code=clock.code(secret)), 429, "too_many_logins")


def test_turning_it_off_needs_password_and_code(client: FlaskClient, pair: dict[str, Any], clock: Clock) -> None:
    secret, body = enrol(client, pair, clock)
    own, code = bearer(body), clock.code(secret)

    def end(**values: str) -> TestResponse:
        return client.delete(PATH, json=values, headers=own)

    refused(end(**PASSWORD), 422, "invalid_request")
    refused(end(code=code), 422, "invalid_request")
    refused(end(password="wrong", code=code), 401, "bad_credentials")
    refused(end(**PASSWORD, code="1"), 401, "second_factor_wrong")
    refused(log_in(client), 401, "second_factor_required")

    assert end(**PASSWORD, code=code).status_code == 204

    opened(log_in(client))
    refused(end(**PASSWORD, code=code), 404, "no_second_factor")
    assert client.get(PATH, headers=own).get_json() == {
        "enrolled": False, "enrolled_at": None, "recovery_codes_left": 0,
    }  # fmt: skip


def test_bad_enrolments_are_refused_and_change_nothing(
    client: FlaskClient, pair: dict[str, Any], clock: Clock
) -> None:
    own = bearer(pair)
    refused(client.put(PATH, json={"code": "123456"}, headers=own), 404, "no_second_factor")
    refused(client.post(PATH, json={"password": "wrong"}, headers=own), 401, "bad_credentials")
    refused(client.post(PATH, json={}, headers=own), 422, "invalid_request")
    first, second = begin(client, pair), begin(client, pair)
    assert first != second
    for body in ({}, {"code": 123456}, {"code": ""}, {"code": "1" * 65}):
        refused(client.put(PATH, json=body, headers=own), 422, "invalid_request")
    refused(client.put(PATH, json={"code": clock.code(first)}, headers=own), 401, "second_factor_wrong")

    confirmed = client.put(PATH, json={"code": clock.code(second)}, headers=own)

    new = bearer(opened_without_codes(confirmed))
    refused(client.post(PATH, json=PASSWORD, headers=new), 409, "second_factor_enrolled")
    refused(client.put(PATH, json={"code": clock.code(second, 1)}, headers=new), 409, "second_factor_enrolled")
    opened(log_in(client, code=clock.code(second, 1)))


def opened_without_codes(response: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = response.get_json()
    assert second_factor_answers.ENROLLED.validate(body) == {}
    return body


def test_a_deleted_account_leaves_no_secret(
    client: FlaskClient, pair: dict[str, Any], clock: Clock, engine: Engine
) -> None:
    _, body = enrol(client, pair, clock)

    assert client.delete("/api/auth/profile", json=PASSWORD, headers=bearer(body)).status_code == 204

    with transaction(engine) as connection:
        left = "SELECT (SELECT count(*) FROM second_factors) + (SELECT count(*) FROM recovery_codes)"
        assert connection.execute(text(left)).scalar_one() == 0


def test_the_workers_role_reads_no_secret(
    client: FlaskClient, pair: dict[str, Any], clock: Clock, engines: dict[str, Engine]
) -> None:
    enrol(client, pair, clock)

    for table in ("second_factors", "recovery_codes"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction(engines["onsale_worker"]) as connection,
        ):
            connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - constants


def test_a_code_that_another_log_in_is_using_up_is_refused_after_it(
    client: FlaskClient, pair: dict[str, Any], clock: Clock, engine: Engine
) -> None:
    """Both have checked the password; the second asks for the code before the first has committed."""
    secret, _ = enrol(client, pair, clock)
    user_id, code = UUID(pair["user"]["id"]), clock.code(secret)

    def second() -> None:
        with transaction(engine) as connection:
            codes.redeem(connection, user_id, code)

    def waits() -> bool:
        with transaction(engine) as connection:
            statement = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'second_factors'"
            )
            return bool(connection.execute(text(statement)).scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with transaction(engine) as connection:
            assert codes.redeem(connection, user_id, code)
            later = pool.submit(second)
            until(waits)
        with pytest.raises(SecondFactorWrong):
            later.result(timeout=10)
