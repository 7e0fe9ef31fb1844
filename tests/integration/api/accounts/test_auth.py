"""Accounts over HTTP, on a real Postgres."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.accounts import auth
from api.shapes import answers
from core.bookings import Booking, Reason, Status
from core.ids import booking_id
from db.postgres import bookings, users
from db.postgres.engine import transaction
from tests.support.factories import headers_of, make_admin

ALICE = {"email": "Alice@example.com", "password": "correct horse", "name": "Alice"}


@pytest.fixture
def alice(client: FlaskClient) -> dict[str, str]:
    """Alice has signed up: her Authorization header."""
    body = client.post("/api/auth/signup", json=ALICE).get_json()
    return {"Authorization": f"Bearer {body['access_token']}"}


def test_signing_up_gives_a_token_that_works(client: FlaskClient) -> None:
    response = client.post("/api/auth/signup", json=ALICE)
    body = response.get_json()

    assert response.status_code == 201
    answers.TOKEN.load(body)
    own = client.get("/api/auth/profile", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert own.get_json() == body["user"]
    assert (own.get_json()["email"], own.get_json()["role"]) == ("Alice@example.com", "user")


def test_an_address_has_one_account_whatever_its_capitals(client: FlaskClient, alice: dict[str, str]) -> None:
    response = client.post("/api/auth/signup", json={**ALICE, "email": "aLICE@EXAMPLE.com"})

    assert response.status_code == 409
    assert response.get_json(force=True)["code"] == "email_taken"


@pytest.mark.parametrize("field", ["role", "id", "is_admin"])
def test_nobody_signs_up_as_administrator(client: FlaskClient, field: str) -> None:
    assert client.post("/api/auth/signup", json={**ALICE, field: "admin"}).status_code == 422


def test_logging_in_takes_address_and_password(client: FlaskClient, alice: dict[str, str]) -> None:
    response = client.post("/api/auth/login", json={"email": "alice@EXAMPLE.com", "password": "correct horse"})

    assert response.status_code == 200
    answers.TOKEN.load(response.get_json())


def test_a_wrong_password_and_an_unknown_address_answer_alike(client: FlaskClient, alice: dict[str, str]) -> None:
    wrong = client.post("/api/auth/login", json={"email": "alice@example.com", "password": "correct hors"})
    unknown = client.post("/api/auth/login", json={"email": "bob@example.com", "password": "correct horse"})

    for response in (wrong, unknown):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
    first, second = wrong.get_json(force=True), unknown.get_json(force=True)
    assert first.pop("request_id") != second.pop("request_id")
    assert first == second
    assert first["code"] == "bad_credentials"


def test_a_profile_changes_name_and_address(client: FlaskClient, alice: dict[str, str]) -> None:
    renamed = client.put("/api/auth/profile", json={"name": "Al"}, headers=alice).get_json()
    change = {"name": "Al", "email": "al@example.com", "password": ALICE["password"]}
    moved = client.put("/api/auth/profile", json=change, headers=alice)

    answers.USER.load(moved.get_json())
    assert (renamed["name"], renamed["email"]) == ("Al", "Alice@example.com")
    assert moved.get_json()["email"] == "al@example.com"


def test_an_address_of_another_account_is_refused(client: FlaskClient, engine: Engine, alice: dict[str, str]) -> None:
    make_admin(engine, "carol@example.com")

    change = {"name": "Al", "email": "CAROL@example.com", "password": ALICE["password"]}
    response = client.put("/api/auth/profile", json=change, headers=alice)

    assert response.status_code == 409


@pytest.mark.parametrize("method", ["get", "put"])
def test_a_token_without_an_account_has_no_profile(app: Flask, client: FlaskClient, method: str) -> None:
    json = {"json": {"name": "x"}} if method == "put" else {}
    response = getattr(client, method)("/api/auth/profile", headers=headers_of(app), **json)

    assert response.status_code == 404
    assert response.get_json(force=True)["code"] == "no_account"


def test_a_token_is_needed(client: FlaskClient) -> None:
    for header, code in (({}, "token_missing"), ({"Authorization": "Bearer x"}, "token_invalid")):
        response = client.get("/api/auth/bookings", headers=header)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.get_json(force=True)["code"] == code


def test_own_bookings_are_listed_newest_first_page_by_page(
    client: FlaskClient, engine: Engine, alice: dict[str, str]
) -> None:
    me = client.get("/api/auth/profile", headers=alice).get_json()["id"]
    with transaction(engine) as connection:
        bookings.record(connection, [_failed(me, number) for number in range(3)], [])
        bookings.record(connection, [_failed("00000000-0000-4000-8000-000000000000", 9)], [])

    first = client.get("/api/auth/bookings?limit=2", headers=alice).get_json()
    rest = client.get(f"/api/auth/bookings?limit=2&cursor={first['next_cursor']}", headers=alice).get_json()

    answers.OWN_BOOKINGS.load(first)
    assert [one["accepted_at"][-4:-1] for one in first["bookings"] + rest["bookings"]] == ["002", "001", "000"]
    assert rest["next_cursor"] is None


def test_an_invalid_cursor_is_refused(client: FlaskClient, alice: dict[str, str]) -> None:
    assert client.get("/api/auth/bookings?cursor=999999999999999", headers=alice).status_code == 400


def test_the_first_administrator_is_found(engine: Engine, database_url: str) -> None:
    carol = make_admin(engine)
    make_admin(engine, "dave@example.com")

    assert users.first_admin_id(database_url) == carol


def test_without_an_administrator_none_is_found(engine: Engine, database_url: str) -> None:
    with pytest.raises(LookupError):
        users.first_admin_id(database_url)


def test_an_administrators_address_is_taken_once(engine: Engine) -> None:
    make_admin(engine)

    with pytest.raises(users.EmailTaken):
        make_admin(engine, "CAROL@example.com")


def test_log_in_does_not_hash_while_it_holds_a_connection(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    held: list[int] = []
    pool = app.extensions["onsale"].engine.pool

    def watched(_hash: str | None, _password: str) -> bool:
        held.append(pool.checkedout())
        return False

    monkeypatch.setattr(auth, "password_fits", watched)
    client.post("/api/auth/login", json={"email": "a@example.com", "password": "x"})

    assert held == [0]


def _failed(user: str, number: int) -> Booking:
    user_id = UUID(user)
    accepted_ms = 1_700_000_000_000 + number
    return Booking(
        id=booking_id(b"s" * 32, 7, user_id, f"key {number}"),
        show_id=7,
        user_id=user_id,
        status=Status.FAILED,
        reason=Reason.SEAT_TAKEN,
        fingerprint="f",
        seats=(),
        amount_cents=0,
        version=1,
        last_operation={"kind": "BOOK", "accepted_ms": accepted_ms, "outcome": "FAILED", "reason": "SEAT_TAKEN"},
        accepted_ms=accepted_ms,
        decided_ms=accepted_ms,
    )
