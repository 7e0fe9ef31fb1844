"""Attacks on tokens: whatever is sent instead of a valid one, the answer is a 401 problem, and nothing else.

Each row has a name. Tokens are forged by hand, because a library could refuse to make an invalid one.
Rows that use the real secret show that the claim is checked, not only the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from proof.kit.environment import SECRET, offline_settings
from tests.support.factories import headers_of, opened_app

CODES = {"token_missing", "token_invalid", "token_expired"}
BOOKING = "/api/bookings/00000001-0000-8000-8000-000000000000"
ROUTES = [("GET", "/api/auth/profile"), ("POST", "/api/bookings"), ("DELETE", BOOKING), ("GET", BOOKING)]
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Token:
    """The parts of a valid token, to assemble invalid ones from."""

    def __init__(self, good: str, secret: str = SECRET) -> None:
        self.good, self.secret = good, secret
        self.head, self.body, self.signature = good.split(".")
        self.header: dict[str, Any] = json.loads(unb64(self.head))
        self.claims: dict[str, Any] = json.loads(unb64(self.body))

    def sign(
        self, header: Any = None, claims: Any = None, *, secret: str | None = None, digest: str = "HS256"
    ) -> str:
        """Sign a token of these parts (default: the valid ones; bytes are used unchanged) with the real secret."""
        key = (self.secret if secret is None else secret).encode()
        parts = [self.header if header is None else header, self.claims if claims is None else claims]
        text = ".".join(b64(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in parts)
        return f"{text}.{b64(hmac.digest(key, text.encode(), DIGESTS[digest]))}"

    def claim(self, **changes: Any) -> str:
        """Sign changed claims with the real secret; a claim of ... is left out."""
        claims = {name: value for name, value in {**self.claims, **changes}.items() if value is not ...}
        return self.sign(claims=claims)

    def head_with(self, *, secret: str = "the attacker's own secret, quite long", **changes: Any) -> str:
        return self.sign(header={**self.header, **changes}, secret=secret)


def unsigned(token: Token, algorithm: Any, signature: str = "") -> str:
    header = {name: value for name, value in {**token.header, "alg": algorithm}.items() if value is not ...}
    return f"{b64(json.dumps(header).encode())}.{token.body}.{signature}"


def tampered(token: Token, **changes: Any) -> str:
    return f"{token.head}.{b64(json.dumps({**token.claims, **changes}).encode())}.{token.signature}"


def raw_claims(token: Token, text: str) -> str:
    return f"{token.head}.{b64(text.encode())}.{token.signature}"


DAY_S = 86_400
NOW = int(time.time())
NESTED = b"[" * 1_400

ATTACKS: dict[str, Callable[[Token], str]] = {
    # no signature
    "alg none": lambda t: unsigned(t, "none"),
    "alg None": lambda t: unsigned(t, "None"),
    "alg NONE": lambda t: unsigned(t, "NONE"),
    "alg nOnE": lambda t: unsigned(t, "nOnE"),
    "alg none with the old signature": lambda t: unsigned(t, "none", t.signature),
    "alg empty": lambda t: unsigned(t, "", t.signature),
    "alg null": lambda t: unsigned(t, None, t.signature),
    "alg missing": lambda t: unsigned(t, ..., t.signature),
    "alg a list": lambda t: unsigned(t, ["HS256"], t.signature),
    "alg an object": lambda t: unsigned(t, {"HS256": 1}, t.signature),
    "alg true": lambda t: unsigned(t, True, t.signature),
    "signature cut off": lambda t: f"{t.head}.{t.body}.",
    "signature and dot cut off": lambda t: f"{t.head}.{t.body}",
    "signature shortened": lambda t: t.good[:-6],
    "signature of nothing": lambda t: f"{t.head}.{t.body}.{b64(bytes(32))}",
    "signature of the first bytes": lambda t: f"{t.head}.{t.body}.{b64(unb64(t.signature)[:16])}",
    "signature twice": lambda t: t.good + t.signature,
    # another algorithm
    "HS384 with the real secret": lambda t: t.sign({**t.header, "alg": "HS384"}, digest="HS384"),
    "HS512 with the real secret": lambda t: t.sign({**t.header, "alg": "HS512"}, digest="HS512"),
    "RS256 by name": lambda t: t.sign({**t.header, "alg": "RS256"}),
    "ES256 by name": lambda t: t.sign({**t.header, "alg": "ES256"}),
    "ES256 with an empty signature": lambda t: unsigned(t, "ES256", b64(bytes(64))),
    "PS256 by name": lambda t: t.sign({**t.header, "alg": "PS256"}),
    "EdDSA by name": lambda t: t.sign({**t.header, "alg": "EdDSA"}),
    "hs256 in small letters": lambda t: t.sign({**t.header, "alg": "hs256"}),
    # another key
    "another secret": lambda t: t.sign(secret="another secret that is long enough for it"),
    "an empty secret": lambda t: t.sign(secret=""),
    "a weak secret": lambda t: t.sign(secret="secret"),
    "the key id as the secret": lambda t: t.sign(secret=str(t.header.get("kid", ""))),
    "kid of a file": lambda t: t.head_with(kid="../../../../../../dev/null", secret=""),
    "kid of an SQL injection": lambda t: t.head_with(kid="x' UNION SELECT 'k' -- ", secret="k"),
    "kid of a command": lambda t: t.head_with(kid="|whoami"),
    "kid of an address": lambda t: t.head_with(kid="http://127.0.0.1/key"),
    "kid empty": lambda t: t.head_with(kid=""),
    "kid null": lambda t: t.head_with(kid=None),
    "kid a number": lambda t: t.head_with(kid=0),
    "kid a list": lambda t: t.head_with(kid=["a"]),
    "kid an object": lambda t: t.head_with(kid={"a": 1}),
    "kid with a NUL": lambda t: t.head_with(kid="\0"),
    "kid unknown": lambda t: t.head_with(kid="no-such-key"),
    "jku": lambda t: t.head_with(jku="http://127.0.0.1/jwks.json"),
    "x5u": lambda t: t.head_with(x5u="http://127.0.0.1/chain.pem"),
    "jwk within": lambda t: t.head_with(jwk={"kty": "oct", "k": b64(b"the attacker's own secret, quite long")}),
    "x5c within": lambda t: t.head_with(x5c=["MIIB"]),
    "crit": lambda t: t.head_with(crit=["exp"]),
    "zip": lambda t: t.head_with(zip="DEF"),
    "b64 false": lambda t: t.head_with(b64=False, crit=["b64"]),
    # another content under the old signature
    "role made admin": lambda t: tampered(t, role="admin"),
    "somebody else's sub": lambda t: tampered(t, sub=str(uuid4())),
    "a later exp": lambda t: tampered(t, exp=NOW + 365 * DAY_S),
    "duplicate role": lambda t: raw_claims(t, json.dumps(t.claims)[:-1] + ', "role": "admin"}'),
    "duplicate exp": lambda t: raw_claims(t, json.dumps(t.claims)[:-1] + ', "exp": 99999999999}'),
    "body of another token": lambda t: f"{t.head}.{Token(t.claim(role='admin')).body}.{t.signature}",
    # claims, rightly signed
    "no exp": lambda t: t.claim(exp=...),
    "exp null": lambda t: t.claim(exp=None),
    "exp long ago": lambda t: t.claim(exp=NOW - DAY_S, iat=NOW - 2 * DAY_S, nbf=NOW - 2 * DAY_S),
    "exp a minute ago": lambda t: t.claim(exp=NOW - 60),
    "exp zero": lambda t: t.claim(exp=0),
    "exp below zero": lambda t: t.claim(exp=-1),
    "exp a word": lambda t: t.claim(exp="never"),
    "exp a list": lambda t: t.claim(exp=[NOW + DAY_S]),
    "exp infinite": lambda t: t.claim(exp=float("inf")),
    "exp no number": lambda t: t.claim(exp=float("nan")),
    "nbf tomorrow": lambda t: t.claim(nbf=NOW + DAY_S),
    "iat tomorrow": lambda t: t.claim(iat=NOW + DAY_S),
    "no iat": lambda t: t.claim(iat=...),
    "iat a word": lambda t: t.claim(iat="now"),
    "no iss": lambda t: t.claim(iss=...),
    "another iss": lambda t: t.claim(iss="offsale"),
    "iss a list": lambda t: t.claim(iss=["onsale"]),
    "no aud": lambda t: t.claim(aud=...),
    "another aud": lambda t: t.claim(aud="offsale"),
    "aud a number": lambda t: t.claim(aud=7),
    "no sub": lambda t: t.claim(sub=...),
    "sub a number": lambda t: t.claim(sub=1),
    "sub no UUID": lambda t: t.claim(sub="admin"),
    "sub in capitals": lambda t: t.claim(sub="ABCDEF00-0000-4000-8000-00000000000A"),
    "sub as a urn": lambda t: t.claim(sub=f"urn:uuid:{uuid4()}"),
    "no jti": lambda t: t.claim(jti=...),
    "no role": lambda t: t.claim(role=...),
    "role root": lambda t: t.claim(role="root"),
    "role a list": lambda t: t.claim(role=["user", "admin"]),
    "no type": lambda t: t.claim(type=...),
    "a refresh token": lambda t: t.claim(type="refresh"),
    "type a list": lambda t: t.claim(type=["access"]),
    # no claims at all, rightly signed
    "a token within a token": lambda t: t.sign({**t.header, "cty": "JWT"}, t.good.encode()),
    "claims a list": lambda t: t.sign(claims=[]),
    "claims a word": lambda t: t.sign(claims="admin"),
    "claims null": lambda t: t.sign(claims=b"null"),
    "claims no JSON": lambda t: t.sign(claims=b"{"),
    "claims no UTF-8": lambda t: t.sign(claims=b"\xff\xfe{}"),
    "claims empty": lambda t: t.sign(claims=b""),
    "claims nested deep": lambda t: t.sign(claims=NESTED),
    "a number of 1,400 digits": lambda t: t.sign(claims=b'{"exp":' + b"9" * 1_300 + b"}"),
    # no token
    "header nested deep": lambda t: f"{b64(NESTED)}.e30.AAAA",
    "header nested deep, objects": lambda t: b64(b'{"a":' * 280) + ".e30.AAAA",
    "header a list": lambda t: t.sign([]),
    "header a word": lambda t: t.sign("HS256"),
    "header null": lambda t: t.sign(b"null"),
    "header no UTF-8": lambda t: t.sign(b"\xff\xfe"),
    "header empty": lambda t: f".{t.body}.{t.signature}",
    "dots": lambda t: "..",
    "many dots": lambda t: "." * 1_000,
    "encrypted, five parts": lambda t: "e30.e30.e30.e30.e30",
    "no base64": lambda t: "%%%.%%%.%%%",
    "one byte too few": lambda t: "a.a.a",
    "a word": lambda t: "null",
    "beyond ASCII": lambda t: "\xe9\xe8.\xfc.\xdf",
    "2 MB": lambda t: "A" * 2_000_000,
    "a long good one": lambda t: t.claim(padding="x" * 4_000),
    "a good one and a space": lambda t: f"{t.good} x",
    "two good ones": lambda t: f"{t.good},{t.good}",
}

#: Whole Authorization headers; {} is a valid token.
HEADERS = {
    "none at all": None,
    "empty": "",
    "only the scheme": "Bearer",
    "only the scheme and a space": "Bearer ",
    "without a scheme": "{}",
    "Basic": "Basic YWRtaW46YWRtaW4=",
    "Basic with a token": "Basic {}",
    "Token": "Token {}",
    "bearer twice": "Bearer Bearer {}",
    "quoted": 'Bearer "{}"',
    "a name": "Bearer token={}",
}


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """An api whose stores are unavailable: rejected requests must not reach them."""
    with opened_app(offline_settings()) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client(use_cookies=True) as client:
        yield client


def good_token(app: Flask) -> str:
    return headers_of(app)["Authorization"].removeprefix("Bearer ")


def refused(client: FlaskClient, headers: dict[str, str], query: str = "") -> None:
    """Check that every route answers with a 401 problem that says why."""
    for method, path in ROUTES:
        body = {"show_id": 1, "seats": ["A1"]} if method == "POST" else None
        answer = client.open(path + query, method=method, headers=headers, json=body)
        assert answer.status_code == 401, (method, path, answer.get_data(as_text=True))
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["code"] in CODES
        assert "Traceback" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_token_is_refused(app: Flask, client: FlaskClient, attack: str) -> None:
    forged = ATTACKS[attack](Token(good_token(app)))

    refused(client, {"Authorization": f"Bearer {forged}"})


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_not_a_bearer_token_is_refused(app: Flask, client: FlaskClient, name: str) -> None:
    header = HEADERS[name]

    refused(client, {} if header is None else {"Authorization": header.format(good_token(app))})


def test_a_token_outside_the_header_is_ignored(app: Flask, client: FlaskClient) -> None:
    good = good_token(app)
    for cookie in ("access_token_cookie", "access_token", "token"):
        client.set_cookie(cookie, good)

    refused(client, {"X-Authorization": f"Bearer {good}"}, query=f"?access_token={good}&jwt={good}&token={good}")


def test_the_valid_token_itself_is_accepted(app: Flask, client: FlaskClient) -> None:
    """Otherwise the rows above would prove nothing. It reaches the stores, which are unavailable."""
    good = Token(good_token(app))

    for token in (good.good, good.claim(), good.sign()):
        answer = client.get(BOOKING, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (404, 503)


def test_the_page_lists_every_attack() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text()
    told = " ".join(page.partition("<!-- attacks: begin -->")[2].partition("<!-- attacks: end -->")[0].split())

    for rows, what in ((ATTACKS, "tokens"), (HEADERS, "headers")):
        assert f"**{len(rows)} {what}**: {'; '.join(rows)}." in told
