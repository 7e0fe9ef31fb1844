"""Which tokens are accepted, and for which user."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from flask import Flask

from api.access import tokens
from api.access.tokens import MAX_TOKEN_CHARS, Identity, Verifier, verify
from api.web.errors import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from core.tokens import key_id
from proof.kit.environment import SECRET, offline_settings
from tests.support.factories import opened_app
from tests.support.signed import ALICE, KEYS, signed

OTHER = "the secret that is next, long enough for HS256"


@pytest.fixture
def app() -> Iterator[Flask]:
    with opened_app(offline_settings(JWT_EXPIRY_MINUTES="5")) as made:
        yield made


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
        {"aud": ["onsale"]},
        {"sub": 5},
        {"jti": 5},
        {"jti": None, "sid": "here"},
        {"jti": 5, "sid": "here"},
        {"exp": True},
        {"exp": 1e12},
        {"iat": True},
        {"nbf": "now"},
        {"nbf": 1 << 40},
        {"iat": 1 << 40},
        {"sid": 5},
        {"sid": ["x"]},
        {"ver": "1"},
        {"ver": True},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_invalid(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(**changes), KEYS)


def test_a_token_of_another_secret_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret="x" * 40, header={"kid": key_id(SECRET)}), KEYS)


def test_a_token_of_another_algorithm_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret=SECRET * 2, algorithm="HS512"), {key_id(SECRET * 2): SECRET.encode() * 2})


@pytest.mark.parametrize("token", ["x", "a.b.c", "\x00", "é.é.é", "." * 5_000])
def test_a_malformed_token_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Verifier(SECRET).identity(f"Bearer {token}")


def test_an_unsigned_token_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret="", algorithm="none", header={"kid": key_id(SECRET)}), KEYS)


def test_a_long_token_is_refused_before_anything_in_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify(signed(padding="x" * 1_000), KEYS).user_id == ALICE
    monkeypatch.setattr(tokens.signatures, "claims_of", None)  # calling it would be a TypeError

    with pytest.raises(TokenInvalid):
        verify("x" * (MAX_TOKEN_CHARS + 1), KEYS)


def test_keys_rotate_without_refusing_a_valid_token() -> None:
    """The steps of docs/operations.md: the new key as next, then as current beside the previous one, then alone."""
    old, new = f"Bearer {signed()}", f"Bearer {signed(secret=OTHER)}"
    before, announced, changed, after = (
        Verifier(SECRET, "", ""),
        Verifier(SECRET, "", OTHER),
        Verifier(OTHER, SECRET, ""),
        Verifier(OTHER, "", ""),
    )

    for verifier in (before, announced, changed):
        assert verifier.identity(old).user_id == ALICE
    for verifier in (announced, changed, after):
        assert verifier.identity(new).user_id == ALICE
    for verifier, header in ((before, new), (after, old)):
        with pytest.raises(TokenInvalid):
            verifier.identity(header)


def test_the_application_mints_with_the_current_key_and_accepts_three() -> None:
    settings = offline_settings(JWT_SECRET=OTHER, JWT_SECRET_PREVIOUS=SECRET, JWT_SECRET_NEXT="n" * 40)

    with opened_app(settings) as app, app.app_context():
        minted = tokens.mint(ALICE, "user")
        for secret in (OTHER, SECRET, "n" * 40):
            assert tokens.identity(f"Bearer {signed(secret=secret)}").user_id == ALICE

    assert jwt.get_unverified_header(minted) == {"alg": "HS256", "typ": "JWT", "kid": key_id(OTHER)}


class RevokedSessions:
    """A list of revocations that a test fills."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()

    def covers(self, who: Identity) -> bool:
        return who.session in self.sessions


def test_a_remembered_token_is_still_revoked() -> None:
    revoked = RevokedSessions()
    verifier = Verifier(SECRET, revoked=revoked)
    header = f"Bearer {signed(sid='here')}"
    assert verifier.identity(header).session == "here"

    revoked.sessions.add("here")

    with pytest.raises(TokenRevoked):
        verifier.identity(header)


def test_a_token_without_a_session_is_its_own_session() -> None:
    assert verify(signed(jti="one"), KEYS).session == "one"


def test_an_old_token_is_expired_with_ten_seconds_of_grace() -> None:
    now = int(time.time())

    assert verify(signed(exp=now - 5), KEYS).user_id == ALICE
    with pytest.raises(TokenExpired):
        verify(signed(exp=now - 11), KEYS)


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

    def counted(token: str, _keys: object) -> Identity:
        verified.append(token)
        return Identity(ALICE, "user", 1 << 40)

    monkeypatch.setattr(tokens, "verify", counted)
    verifier = Verifier(SECRET, remembered=3)

    for number in range(20):
        for _ in range(3):
            verifier.identity(f"Bearer {number}")
    verifier.identity("Bearer 0")

    assert verified == [str(number) for number in range(20)] + ["0"]
