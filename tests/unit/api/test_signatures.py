"""Which signed tokens are read, whatever their claims: header, key, canonical form; compared with PyJWT."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.tokens import LEEWAY_S, verify
from api.web.errors import TokenExpired, TokenInvalid
from core.tokens import ALGORITHM, AUDIENCE, ISSUER, key_id
from proof.kit.environment import SECRET
from tests.support.signed import ALICE, KEYS, claims_with, signed

GOOD = {"alg": "HS256", "typ": "JWT", "kid": key_id(SECRET)}


def by_hand(header: dict[str, Any], **changes: Any) -> str:
    """Return a correctly signed token with a header or claims that no library would write."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    text = ".".join(part(json.dumps(each).encode()) for each in (header, claims_with(**changes)))
    return f"{text}.{part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))}"


def test_a_token_made_by_hand_with_a_valid_header_is_accepted() -> None:
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


def test_a_signature_has_one_spelling() -> None:
    """Its last character carries two unused bits: changing them must not make another valid token."""
    token = signed()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    assert base64.urlsafe_b64decode(twin[-43:] + "=") == base64.urlsafe_b64decode(token[-43:] + "=")

    for other in (twin, f"{token}=", f"{token}\n", token.replace(".", "!.")):
        with pytest.raises(TokenInvalid):
            verify(other, KEYS)


#: Values to change claims to: one of each type, and values that are valid for other claims.
NUMBERS = (0, -1, 1 << 40, 1 << 70, 1.5, 1e300, float("nan"), float("inf"), True, False)
TEXTS = ("", "0", "onsale", "user", "access", str(ALICE), str(ALICE).upper())
ODD = st.sampled_from((None, *NUMBERS, *TEXTS, [], ["onsale"], ["user"], {}, {"onsale": 1}))
NEAR_NOW = st.integers(-30, 30).map(lambda seconds: int(time.time()) + seconds)
CLAIMS = st.sampled_from(("sub", "jti", "iat", "nbf", "exp", "type", "role", "iss", "aud", "sid", "ver"))


@given(st.dictionaries(CLAIMS, ODD | NEAR_NOW, max_size=2))
def test_what_is_accepted_here_pyjwt_accepts_too(changes: dict[str, Any]) -> None:
    token = by_hand(GOOD, **changes)
    try:
        who = verify(token, KEYS)
    except (TokenInvalid, TokenExpired):
        return
    claims = jwt.decode(
        token,
        SECRET,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=LEEWAY_S + 1,  # a second may pass between the two checks
        options={"require": ["exp", "iat", "sub", "jti", "iss", "aud"]},
    )

    assert (str(who.user_id), who.role, who.expires_s) == (claims["sub"], claims["role"], claims["exp"])
