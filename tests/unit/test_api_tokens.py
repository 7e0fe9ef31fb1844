"""Which tokens speak for whom."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask import Flask

from api import tokens
from api.app import create_app
from api.errors import TokenExpired, TokenInvalid, TokenMissing
from api.stores import open_stores
from api.tokens import Identity, Verifier, verify
from tests.factories import SECRET, offline_settings

ALICE = UUID("a11ce000-0000-4000-8000-000000000001")


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A token with good claims, except for `changes`; None removes a claim."""
    now = int(time.time())
    claims = {
        "sub": str(ALICE),
        "jti": uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "type": "access",
        "role": "user",
        "iss": "onsale",
        "aud": "onsale",
        **changes,
    }
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


@pytest.fixture
def app() -> Flask:
    settings = offline_settings(JWT_EXPIRY_MINUTES="5")
    return create_app(settings, open_stores(settings))


def test_a_minted_token_is_verified_and_expires_as_the_settings_say(app: Flask) -> None:
    with app.app_context():
        who = tokens.identity(f"Bearer {tokens.mint(ALICE, 'admin')}")

    assert (who.user_id, who.role) == (ALICE, "admin")
    assert who.expires_s == pytest.approx(time.time() + 300, abs=5)


def test_a_minted_token_carries_every_claim(app: Flask) -> None:
    with app.app_context():
        token = tokens.mint(ALICE, "user")

    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="onsale")
    assert {"sub", "jti", "iat", "nbf", "exp", "type", "role", "iss", "aud"} <= claims.keys()


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token"])
def test_a_header_without_a_bearer_token_is_missing(header: str) -> None:
    with pytest.raises(TokenMissing):
        Verifier(SECRET).identity(header)


def test_the_scheme_may_be_written_in_any_case() -> None:
    assert Verifier(SECRET).identity(f"bEARER {signed()}").user_id == ALICE


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"jti": None},
        {"type": None},
        {"role": None},
        {"iss": None},
        {"aud": None},
        {"type": "refresh"},
        {"role": "root"},
        {"role": ["admin"]},
        {"iss": "elsewhere"},
        {"aud": "elsewhere"},
        {"sub": "alice"},
        {"sub": str(ALICE).upper()},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"nbf": 1 << 40},
        {"iat": 1 << 40},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(**changes), SECRET, {})


def test_a_token_of_another_secret_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret="x" * 40), SECRET, {})


def test_a_token_of_another_algorithm_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret=SECRET * 2, algorithm="HS512"), SECRET * 2, {})


@pytest.mark.parametrize("token", ["x", "a.b.c", "\x00", "é.é.é", "." * 5_000])
def test_what_is_no_token_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Verifier(SECRET).identity(f"Bearer {token}")


def test_an_unsigned_token_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(jwt.encode({"sub": str(ALICE), "type": "access"}, None, "none"), SECRET, {})


def test_an_old_token_is_expired_with_ten_seconds_of_grace() -> None:
    now = int(time.time())

    assert verify(signed(exp=now - 5), SECRET, {}).user_id == ALICE
    with pytest.raises(TokenExpired):
        verify(signed(exp=now - 11), SECRET, {})


def test_a_remembered_token_still_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(SECRET)
    header = f"Bearer {signed()}"
    verifier.identity(header)

    later = time.time() + 71
    monkeypatch.setattr(time, "time", lambda: later)

    with pytest.raises(TokenExpired):
        verifier.identity(header)


def test_a_token_is_verified_once_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    def counted(token: str, _secret: str, _headers: object) -> Identity:
        verified.append(token)
        return Identity(ALICE, "user", 1 << 40)

    monkeypatch.setattr(tokens, "verify", counted)
    verifier = Verifier(SECRET, remembered=3)

    for number in range(20):
        for _ in range(3):
            verifier.identity(f"Bearer {number}")
    verifier.identity("Bearer 0")

    assert verified == [str(number) for number in range(20)] + ["0"]
