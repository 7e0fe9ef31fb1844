"""Access tokens. Claims: sub, role, jti, iat, nbf, exp, type, iss, aud; from a log-in also sid and ver.

flask-jwt-extended mints them; only `Verifier` accepts them, for Flask's views and for the event loop
(docs/decisions/0020-one-verification.md). The algorithm is fixed; the header's `kid` selects one of the keys in the
settings. Each process remembers the tokens it has verified; expiry and revocation are checked in memory on every
request. Postgres is not read: a buyer needs no row there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request
from flask_jwt_extended import JWTManager, create_access_token
from sqlalchemy import Connection

from api.access import signatures
from api.web import rate_limits
from api.web.backend import backend
from api.web.errors import EnrolmentRequired, NotAllowed, TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from core.errors import PostgresUnavailable
from core.settings import Settings
from core.tokens import ALGORITHM, AUDIENCE, ISSUER, key_id
from db.postgres import second_factors, users
from db.postgres.engine import transaction
from db.postgres.users import User

#: The box office may read shows and bookings as an administrator may.
ROLES = users.ROLES
#: The role of a token with which an administrator can do nothing but enrol a second factor. No account has it.
ENROLLING = "enrolling"
ADMINISTRATORS, STAFF = frozenset({"admin"}), frozenset({"admin", "box_office"})
#: Max seconds by which the clocks of two machines may differ.
LEEWAY_S = 10
#: Max verified tokens in one generation; two are kept. At about 500 bytes a token: at most 20 MB.
REMEMBERED = 20_000
#: Ours have 410 to 540 characters; longer ones are rejected before anything in them is read.
MAX_TOKEN_CHARS = 2_000

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a verified token authenticates.

    `expires_s`: seconds since 1970.  `session`: the id of its session (log-in), or the token's own id if it has none.
    `version`: of the account's tokens; all tokens below a version can be revoked at once.
    """

    user_id: UUID
    role: str
    expires_s: int
    session: str = ""
    version: int = 0


class Revoked(Protocol):
    """The revoked tokens (api/access/revocations.py). Checked on each request, so it must not call a server."""

    def covers(self, who: Identity) -> bool:
        """Return whether this token was revoked."""


class Verifier:
    """Verifies tokens signed with any of these secrets, and remembers them. Thread-safe."""

    def __init__(self, *secrets: str, remembered: int = REMEMBERED, revoked: Revoked | None = None) -> None:
        self._keys = {key_id(secret): secret.encode() for secret in secrets if secret}
        self._remembered = remembered
        self._revoked = revoked
        self._young: dict[str, Identity] = {}
        self._old: dict[str, Identity] = {}

    def identity(self, header: str, *, enrolling: bool = False) -> Identity:
        """Return the user that an Authorization header authenticates. Args: enrolling: a token for that is enough.

        Raises: TokenMissing, TokenInvalid, TokenExpired, TokenRevoked, EnrolmentRequired.
        """
        scheme, _, token = header.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise TokenMissing
        known = self._young.get(token) or self._old.get(token)
        if known is None:
            known = verify(token, self._keys)
            if len(self._young) >= self._remembered:
                self._old, self._young = self._young, {}
            self._young[token] = known
        if known.expires_s + LEEWAY_S <= time.time():
            raise TokenExpired
        if self._revoked is not None and self._revoked.covers(known):
            raise TokenRevoked
        if known.role == ENROLLING and not enrolling:
            raise EnrolmentRequired
        return known


def verify(token: str, keys: Mapping[str, bytes]) -> Identity:
    """Check a token's length, signature and every claim; return the user it authenticates.

    Args:    keys: key id -> secret.
    Raises:  TokenInvalid; TokenExpired: it is otherwise valid.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid
    claims, now_s = signatures.claims_of(token, keys), time.time()
    expires_s, sub = claims.get("exp"), claims.get("sub")
    if type(expires_s) is not int or type(sub) is not str or not _claims_valid(claims, now_s):
        raise TokenInvalid
    session, version = claims.get("sid") or claims.get("jti"), claims.get("ver", 0)
    if type(session) is not str or type(version) is not int:
        raise TokenInvalid
    try:
        user_id = UUID(sub)
    except ValueError:
        raise TokenInvalid from None
    if str(user_id) != sub:
        raise TokenInvalid
    if expires_s <= now_s - LEEWAY_S:
        raise TokenExpired
    return Identity(user_id, claims["role"], expires_s, session, version)


def _claims_valid(claims: Mapping[str, Any], now_s: float) -> bool:
    """Return whether these are the claims of our access tokens, with a known role, issued by `now_s` (epoch s)."""
    issued_s, begins_s = claims.get("iat"), claims.get("nbf", 0)
    return (
        claims.get("iss") == ISSUER
        and claims.get("aud") == AUDIENCE
        and claims.get("type") == "access"
        and claims.get("role") in (*ROLES, ENROLLING)
        and type(claims.get("jti")) is str
        and type(issued_s) is int
        and type(begins_s) is int
        and max(issued_s, begins_s) <= now_s + LEEWAY_S
    )


def install(app: Flask, settings: Settings) -> None:
    """Install the keys: flask-jwt-extended mints with the current one, the Verifier accepts all three.

    Requires `app.extensions["onsale-revocations"]`.
    """
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret,
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.token_ttl_s),
    )
    JWTManager(app)
    app.extensions["onsale-tokens"] = Verifier(
        settings.jwt_secret,
        settings.jwt_secret_previous,
        settings.jwt_secret_next,
        revoked=app.extensions["onsale-revocations"],
    )


def mint(user_id: UUID, role: str, *, session: UUID | None = None, version: int = 0) -> str:
    """Return a new access token, in a session if one is given. Requires an application context."""
    claims = {"role": role, "ver": version} | ({"sid": str(session)} if session else {})
    headers = {"kid": key_id(backend().settings.jwt_secret)}
    return str(create_access_token(identity=str(user_id), additional_claims=claims, additional_headers=headers))


def identity(header: str, *, enrolling: bool = False) -> Identity:
    """Return the user an Authorization header authenticates. Args: enrolling: a token for that is enough.

    Raises: TokenMissing, TokenInvalid, TokenExpired, TokenRevoked, EnrolmentRequired.
    """
    return cast(Verifier, current_app.extensions["onsale-tokens"]).identity(header, enrolling=enrolling)


def current_identity(*, enrolling: bool = False) -> Identity:
    """Return the sender of the current request, and count the request once against that user's rate.

    Args:    enrolling: a token that can do nothing but enrol is enough, for this and later calls of the request.
    Raises:  TokenMissing, TokenInvalid, TokenExpired, TokenRevoked, EnrolmentRequired, TooManyRequests.
    """
    who: Identity | None = g.get("who")
    if who is None:
        who = g.who = identity(request.headers.get("Authorization", ""), enrolling=enrolling)
        rate_limits.count(who.user_id)
    return who


def current_user() -> UUID:
    """Return the id of the current request's user. Raises: as current_identity."""
    return current_identity().user_id


def must_enrol(connection: Connection, user: User) -> bool:
    """Return whether this account is an administrator's without the second factor that the settings require."""
    required = user.role == "admin" and backend().settings.admin_second_factor == "required"
    return required and not second_factors.is_confirmed(connection, user.id)


def user_required(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a view: it requires a valid token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        current_user()
        return view(*args, **kwargs)

    return guarded


def enroller_required(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a view: it requires a valid token, also one that can do nothing but enrol."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        current_identity(enrolling=True)
        return view(*args, **kwargs)

    return guarded


def admin_required(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a view: it requires an administrator, by the token's role and by the role in Postgres now."""
    return _role_required(view, ADMINISTRATORS)


def staff_required(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a view: it requires the box office or an administrator, as `admin_required`."""
    return _role_required(view, STAFF)


def console_required(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a read of Redis alone: as `admin_required`, but without Postgres the token's role is enough.

    An administrator must see the lanes during an outage. A role that is taken away revokes its tokens, too.
    """
    return _role_required(view, ADMINISTRATORS, token_is_enough=True)


def _role_required(view: Callable[P, R], roles: frozenset[str], *, token_is_enough: bool = False) -> Callable[P, R]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        who = current_identity()
        if who.role not in roles:
            raise NotAllowed
        try:
            with transaction(backend().engine) as connection:
                user = users.get_user(connection, who.user_id)
                unenrolled = user is not None and must_enrol(connection, user)
        except PostgresUnavailable:
            if not token_is_enough:
                raise
        else:
            if user is None or user.role not in roles:
                raise NotAllowed
            if unenrolled:
                raise EnrolmentRequired
        return view(*args, **kwargs)

    return guarded
