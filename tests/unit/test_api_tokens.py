"""Which tokens speak for whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from flask import Flask

from api import tokens
from api.errors import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from api.signatures import header_of
from api.tokens import Identity, Verifier
from core.tokens import ALGORITHM, key_id
from tests.factories import SECRET, offline_settings, opened_app

KEYS = {key_id(SECRET): SECRET}
OTHER = "the secret that is next, long enough for HS256"
HEADERS = {header_of(SECRET, ALGORITHM, {"kid": key_id(SECRET)}): SECRET.encode()}
ALICE = UUID("a11ce000-0000-4000-8000-000000000001")


def signed(
    secret: str = SECRET, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A token with good claims and header, except for `changes`; None removes a claim."""
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
    headers = {"kid": key_id(secret)} if header is None else header
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None}, secret, algorithm, headers
    )


def verify(token: str, keys: dict[str, str]) -> Identity:
    """By our own reading and by the library's alone: both must say the same."""
    said = []
    for headers in (HEADERS, {}):
        try:
            said.append(tokens.verify(token, keys, headers))
        except (TokenInvalid, TokenExpired) as error:
            said.append(type(error))
    assert said[0] == said[1]
    if isinstance(said[0], Identity):
        return said[0]
    raise said[0]


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
        verify(signed(secret=SECRET * 2, algorithm="HS512"), {key_id(SECRET * 2): SECRET * 2})


@pytest.mark.parametrize("token", ["x", "a.b.c", "\x00", "é.é.é", "." * 5_000])
def test_what_is_no_token_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        Verifier(SECRET).identity(f"Bearer {token}")


def test_an_unsigned_token_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(signed(secret="", algorithm="none", header={"kid": key_id(SECRET)}), KEYS)


def by_hand(header: dict[str, Any]) -> str:
    """A well signed token with a header that no library would write."""

    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    _, claims, _ = signed().encode().split(b".")
    body = part(json.dumps(header).encode()) + b"." + claims
    return (body + b"." + part(hmac.digest(SECRET.encode(), body, hashlib.sha256))).decode()


GOOD = {"alg": "HS256", "typ": "JWT", "kid": key_id(SECRET)}


def test_a_token_made_by_hand_is_good_with_a_good_header() -> None:
    assert verify(by_hand(GOOD), KEYS).user_id == ALICE


@pytest.mark.parametrize("kid", ["", "0" * 16, "../../dev/null", "' OR 1=1", None, 7, ["x"], {"x": 1}], ids=str)
def test_a_token_of_an_unknown_key_is_invalid(kid: Any) -> None:
    with pytest.raises(TokenInvalid):
        verify(by_hand({**GOOD, "kid": kid}), KEYS)


def test_a_token_that_names_no_key_is_invalid() -> None:
    with pytest.raises(TokenInvalid):
        verify(by_hand({"alg": "HS256", "typ": "JWT"}), KEYS)


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty"])
def test_a_token_whose_header_wishes_for_more_is_invalid(name: str) -> None:
    with pytest.raises(TokenInvalid):
        verify(by_hand({**GOOD, name: ["https://evil.example/keys.json"]}), KEYS)


@pytest.mark.parametrize("algorithm", ["none", "None", "hs256", "HS384", "RS256", "ES256", "", None, 5], ids=str)
def test_a_header_that_names_another_algorithm_is_invalid(algorithm: Any) -> None:
    with pytest.raises(TokenInvalid):
        verify(by_hand({**GOOD, "alg": algorithm}), KEYS)


def test_keys_rotate_without_a_token_that_is_refused_on_the_way() -> None:
    """The steps of docs/operations.md: next, then current with the one before, then alone."""
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


def test_the_application_mints_with_the_current_key_and_believes_three() -> None:
    settings = offline_settings(JWT_SECRET=OTHER, JWT_SECRET_PREVIOUS=SECRET, JWT_SECRET_NEXT="n" * 40)

    with opened_app(settings) as app, app.app_context():
        minted = tokens.mint(ALICE, "user")
        for secret in (OTHER, SECRET, "n" * 40):
            assert tokens.identity(f"Bearer {signed(secret=secret)}").user_id == ALICE

    assert jwt.get_unverified_header(minted) == {"alg": "HS256", "typ": "JWT", "kid": key_id(OTHER)}


class Everything:
    """Takes back what it is told to."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()

    def covers(self, who: Identity) -> bool:
        return who.session in self.sessions


def test_a_remembered_token_is_still_revoked() -> None:
    revoked = Everything()
    verifier = Verifier(SECRET, revoked=revoked)
    header = f"Bearer {signed(sid='here')}"
    assert verifier.identity(header).session == "here"

    revoked.sessions.add("here")

    with pytest.raises(TokenRevoked):
        verifier.identity(header)


def test_a_token_without_a_session_is_its_own() -> None:
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

    def counted(token: str, _keys: object, _headers: object) -> Identity:
        verified.append(token)
        return Identity(ALICE, "user", 1 << 40)

    monkeypatch.setattr(tokens, "verify", counted)
    verifier = Verifier(SECRET, remembered=3)

    for number in range(20):
        for _ in range(3):
            verifier.identity(f"Bearer {number}")
    verifier.identity("Bearer 0")

    assert verified == [str(number) for number in range(20)] + ["0"]
