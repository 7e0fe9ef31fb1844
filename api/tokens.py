"""Access tokens: who asks. HS256 with JWT_SECRET; claims sub, role, jti, iat, nbf, exp, type, iss, aud.

Checking a signature costs more than accepting a booking, so each process remembers the tokens it has
verified; the expiry is looked at every time. A token is not asked about in Postgres: a buyer needs no row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

import jwt
from flask import Flask, current_app, request
from flask_jwt_extended import JWTManager, create_access_token

from api import problems, signatures
from api.errors import NotAllowed, TokenExpired, TokenInvalid, TokenMissing
from api.signatures import Headers
from api.stores import stores
from core.settings import Settings
from db import users
from db.engine import transaction

ISSUER = AUDIENCE = "onsale"
ALGORITHM = "HS256"
ROLES = ("user", "admin")
#: Seconds by which the clocks of two machines may differ.
LEEWAY_S = 10
#: Verified tokens of one generation; two are kept. At about 500 bytes a token: 20 MB at the most.
REMEMBERED = 20_000
#: Ours have some 350 characters; longer ones are not worth remembering.
MAX_TOKEN_CHARS = 2_000

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for. `expires_s`: seconds since 1970."""

    user_id: UUID
    role: str
    expires_s: int


class Verifier:
    """Verifies tokens signed with one secret, and remembers them. May be used by many threads."""

    def __init__(self, secret: str, *, remembered: int = REMEMBERED) -> None:
        self._secret = secret
        self._headers = {signatures.header_of(secret, ALGORITHM): secret.encode()}
        self._remembered = remembered
        self._young: dict[str, Identity] = {}
        self._old: dict[str, Identity] = {}

    def identity(self, header: str) -> Identity:
        """Who an Authorization header speaks for. Raises: TokenMissing, TokenInvalid, TokenExpired."""
        scheme, _, token = header.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise TokenMissing
        known = self._young.get(token) or self._old.get(token)
        if known is None:
            known = verify(token, self._secret, self._headers)
            if len(self._young) >= self._remembered:
                self._old, self._young = self._young, {}
            self._young[token] = known
        if known.expires_s + LEEWAY_S <= time.time():
            raise TokenExpired
        return known


def verify(token: str, secret: str, headers: Headers) -> Identity:
    """Check the signature and every claim of a token. Raises: TokenInvalid, TokenExpired."""
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    claims = signatures.claims_of(token, headers)
    if claims is None or not signatures.hold_now(
        claims, time.time(), issuer=ISSUER, audience=AUDIENCE, leeway_s=LEEWAY_S
    ):
        claims = _claims(token, secret)
    try:
        user_id = UUID(claims["sub"])
        expires_s = int(claims["exp"])
    except (ValueError, OverflowError):
        raise TokenInvalid from None
    role = claims.get("role")
    if claims.get("type") != "access" or role not in ROLES or str(user_id) != claims["sub"]:
        raise TokenInvalid
    return Identity(user_id, role, expires_s)


def _claims(token: str, secret: str) -> dict[str, Any]:
    """The claims, by the library's judgement."""
    try:
        return jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        raise TokenInvalid from None


def install(app: Flask, settings: Settings) -> None:
    """Give the application its secret, for minting (flask-jwt-extended) and for verifying."""
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
    app.extensions["onsale-tokens"] = Verifier(settings.jwt_secret)


def mint(user_id: UUID, role: str) -> str:
    """A new access token. Needs an application context."""
    return str(create_access_token(identity=str(user_id), additional_claims={"role": role}))


def identity(header: str) -> Identity:
    """Who an Authorization header speaks for. Raises: TokenMissing, TokenInvalid, TokenExpired."""
    return cast(Verifier, current_app.extensions["onsale-tokens"]).identity(header)


def current_user() -> UUID:
    """The user of the current request. Raises: TokenMissing, TokenInvalid, TokenExpired."""
    return identity(request.headers.get("Authorization", "")).user_id


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
        who = identity(request.headers.get("Authorization", ""))
        if who.role != "admin":
            raise NotAllowed
        with transaction(stores().engine) as connection:
            user = users.get_user(connection, who.user_id)
        if user is None or user.role != "admin":
            raise NotAllowed
        return view(*args, **kwargs)

    return guarded
