"""Access tokens: who asks. Claims sub, role, jti, iat, nbf, exp, type, iss, aud; sid and ver of those from a log-in.

One algorithm; the key is chosen by the header's `kid` from the few of the settings, and by nothing else that a
token says of itself. Checking a signature costs more than accepting a booking, so each process remembers the
tokens it has verified; expiry and revocation are looked at every time, in memory. A token is not asked about in
Postgres: a buyer needs no row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

import jwt
from flask import Flask, current_app, g, request
from flask_jwt_extended import JWTManager, create_access_token

from api import problems, rates, signatures
from api.errors import NotAllowed, TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from api.signatures import Headers
from api.stores import stores
from core.settings import Settings
from core.tokens import ALGORITHM, AUDIENCE, ISSUER, key_id
from db import users
from db.engine import transaction

ROLES = ("user", "admin")
#: Seconds by which the clocks of two machines may differ.
LEEWAY_S = 10
#: Verified tokens of one generation; two are kept. At about 500 bytes a token: 20 MB at the most.
REMEMBERED = 20_000
#: What a token's header may say. Anything else (jku, jwk, x5u, crit ...) is a wish that nobody grants.
HEADER = {"alg", "kid", "typ"}
#: Ours have some 450 characters; longer ones are not worth remembering.
MAX_TOKEN_CHARS = 2_000

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for.

    `expires_s`: seconds since 1970.  `session`: the log-in that it belongs to; the token itself if to none.
    `version`: of the account's tokens; all below a newer one may be revoked at once.
    """

    user_id: UUID
    role: str
    expires_s: int
    session: str = ""
    version: int = 0


class Revoked(Protocol):
    """What has been taken back (api/revocations.py). Asked on each request: it must not leave the process."""

    def covers(self, who: Identity) -> bool:
        """Whether this token was revoked."""


class Verifier:
    """Verifies tokens signed with one of some secrets, and remembers them. May be used by many threads."""

    def __init__(self, *secrets: str, remembered: int = REMEMBERED, revoked: Revoked | None = None) -> None:
        self._keys = {key_id(secret): secret for secret in secrets if secret}
        self._headers = {
            signatures.header_of(secret, ALGORITHM, {"kid": id_}): secret.encode()
            for id_, secret in self._keys.items()
        }
        self._remembered = remembered
        self._revoked = revoked
        self._young: dict[str, Identity] = {}
        self._old: dict[str, Identity] = {}

    def identity(self, header: str) -> Identity:
        """Who an Authorization header speaks for.

        Raises: TokenMissing, TokenInvalid, TokenExpired, TokenRevoked.
        """
        scheme, _, token = header.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise TokenMissing
        known = self._young.get(token) or self._old.get(token)
        if known is None:
            known = verify(token, self._keys, self._headers)
            if len(self._young) >= self._remembered:
                self._old, self._young = self._young, {}
            self._young[token] = known
        if known.expires_s + LEEWAY_S <= time.time():
            raise TokenExpired
        if self._revoked is not None and self._revoked.covers(known):
            raise TokenRevoked
        return known


def verify(token: str, keys: Mapping[str, str], headers: Headers) -> Identity:
    """Check the signature and every claim of a token.

    Args:    keys: id -> secret.  headers: the same, as the tokens that we make begin (signatures.py).
    Raises:  TokenInvalid, TokenExpired.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    claims = signatures.claims_of(token, headers)
    if claims is None or not signatures.hold_now(
        claims, time.time(), issuer=ISSUER, audience=AUDIENCE, leeway_s=LEEWAY_S
    ):
        claims = _claims(token, keys)
    try:
        user_id = UUID(claims["sub"])
        expires_s = int(claims["exp"])
    except (ValueError, OverflowError):
        raise TokenInvalid from None
    role, session, version = claims.get("role"), claims.get("sid") or claims["jti"], claims.get("ver", 0)
    if claims.get("type") != "access" or role not in ROLES or str(user_id) != claims["sub"]:
        raise TokenInvalid
    if type(session) is not str or type(version) is not int:
        raise TokenInvalid
    return Identity(user_id, role, expires_s, session, version)


def _claims(token: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """The claims, by the library's judgement."""
    try:
        header = jwt.get_unverified_header(token)
        secret = keys.get(header.get("kid", ""))
        if secret is None or header.keys() - HEADER:
            raise TokenInvalid
        return jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "jti", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise TokenInvalid from None


def install(app: Flask, settings: Settings) -> None:
    """Give the application its keys: the current one mints (flask-jwt-extended), the others are only believed.

    Needs the application's list of revocations.
    """
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret,
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_LEEWAY=LEEWAY_S,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.token_ttl_s),
    )
    problems.speak_for(JWTManager(app))
    app.extensions["onsale-tokens"] = Verifier(
        settings.jwt_secret,
        settings.jwt_secret_previous,
        settings.jwt_secret_next,
        revoked=app.extensions["onsale-revocations"],
    )


def mint(user_id: UUID, role: str, *, session: UUID | None = None, version: int = 0) -> str:
    """A new access token, of a session if one is named. Needs an application context."""
    claims = {"role": role, "ver": version} | ({"sid": str(session)} if session else {})
    headers = {"kid": key_id(stores().settings.jwt_secret)}
    return str(create_access_token(identity=str(user_id), additional_claims=claims, additional_headers=headers))


def identity(header: str) -> Identity:
    """Who an Authorization header speaks for. Raises: TokenMissing, TokenInvalid, TokenExpired, TokenRevoked."""
    return cast(Verifier, current_app.extensions["onsale-tokens"]).identity(header)


def current_identity() -> Identity:
    """Who sends the current request; counted against that user's rate once.

    Raises: TokenMissing, TokenInvalid, TokenExpired, TokenRevoked, TooManyRequests.
    """
    who: Identity | None = g.get("who")
    if who is None:
        who = g.who = identity(request.headers.get("Authorization", ""))
        rates.count(who.user_id)
    return who


def current_user() -> UUID:
    """The user of the current request. Raises: as current_identity."""
    return current_identity().user_id


def user_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view be reached only with a valid token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        current_user()
        return view(*args, **kwargs)

    return guarded


def admin_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view be reached only by an administrator: by the token's role, and by the database's now."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        who = current_identity()
        if who.role != "admin":
            raise NotAllowed
        with transaction(stores().engine) as connection:
            user = users.get_user(connection, who.user_id)
        if user is None or user.role != "admin":
            raise NotAllowed
        return view(*args, **kwargs)

    return guarded
