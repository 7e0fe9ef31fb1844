"""Sessions: an access and a refresh token per log-in, rotated on refresh; logging out, here or everywhere.

A refresh token may be used once. Repeated within seconds, it gets an equivalent pair: the first answer was lost, or
the client sent it twice. Repeated later, it ends its session: it was copied, and thief and owner have both used it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from api.access import revocations
from api.access.tokens import ENROLLING, current_identity, current_user, mint, must_enrol, user_required
from api.accounts import cookies, login_limits
from api.shapes import account_requests, answers, links
from api.web.backend import backend
from api.web.errors import BadCredentials, RefreshInvalid
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body
from api.web.serializers import user_json
from core import logs, refresh_tokens
from db import revocations as revoked
from db.postgres import sessions, users
from db.postgres.engine import transaction
from db.postgres.sessions import Session
from db.postgres.users import User

log = logs.logger(__name__)

#: The version of a deleted account's tokens: higher than any.
NO_VERSION = 2**31 - 1

blueprint = Blueprint("sessions", __name__, url_prefix="/api/auth", description="Refreshing tokens, logging out.")


@route(
    blueprint, "POST", "/refresh", body=account_requests.REFRESH, answers={200: answers.TOKEN},
    leads={200: links.TOKEN}, errors=(401, 429, 503),
)  # fmt: skip
def refresh() -> Response:
    """Get the next pair of tokens for a refresh token, which may be used once."""
    return _refreshed(read_body(account_requests.REFRESH)["refresh_token"])


@route(
    blueprint, "POST", "/session", answers={200: answers.TOKEN}, request_headers=(cookies.HEADER,),
    errors=(401, 429, 503),
)  # fmt: skip
def refresh_from_cookie() -> Response:
    """Get the next access token for the session cookie of this browser; `X-Session-Cookie` is required."""
    return _refreshed(cookies.given())


def _refreshed(token: str) -> Response:
    """Answer with the next tokens for a refresh token. Raises: RefreshInvalid."""
    settings = backend().settings
    secrets = (settings.jwt_secret, settings.jwt_secret_previous, settings.jwt_secret_next)
    given = refresh_tokens.read(token, secrets)
    if given is None:
        raise RefreshInvalid
    session_id, generation = given
    attempt = login_limits.refreshing(session_id)
    with transaction(backend().engine) as connection:
        session = sessions.advance(connection, session_id, generation, settings.token_ttl_s)
        user = users.get_user(connection, session.user_id) if session else None
        enrolling = user is not None and must_enrol(connection, user)
        # An unused token would have been accepted, and one used seconds ago, too: this is a copy of a used one.
        stolen = None if session else sessions.get_living(connection, session_id)
        if stolen is not None:
            _end(connection, stolen)
    if stolen is not None:
        log.warning("refresh_token_reused", session=str(stolen.id), user_id=str(stolen.user_id))
    if user is None:
        raise RefreshInvalid
    attempt.succeeded()
    return cookies.answer_tokens(token_json(user, session_id, generation + 1, enrolling=enrolling))


@route(blueprint, "POST", "/logout", answers={204: None}, errors=(503,), secured=True)
@user_required
def log_out() -> Response:
    """End this session: its refresh token and its access tokens. Repeat: 401, the token is revoked."""
    who = current_identity()
    with transaction(backend().engine) as connection:
        left_s = sessions.delete_session(connection, who.user_id, who.session)
        if left_s is not None:
            left_s = max(left_s, who.expires_s - int(time.time()))
        list_ = revocations.current()
        list_.announce(revoked.insert_of_session(connection, who.session, list_.kept_s(left_s)))
    return cookies.cleared(Response(status=204))


@route(blueprint, "DELETE", "/sessions", answers={204: None}, errors=(404, 503), secured=True)
@user_required
def log_out_everywhere() -> Response:
    """End all sessions of your account, including this one."""
    with transaction(backend().engine) as connection:
        version = end_all(connection, current_user())
    return cookies.cleared(Response(status=204)) if version is not None else no_account()


def open_session(user: User, status: int, prove: Callable[[Connection], object] | None = None) -> Response:
    """Open a session for a user who has just given the password, and answer with its tokens.

    Args:    prove: checks what else the log-in needs, in the session's transaction; it raises if that is wrong.
    Raises:  BadCredentials: the password was changed, or the account deleted, since `user` was read.
    """
    settings = backend().settings
    with transaction(backend().engine) as connection:
        if users.lock_version(connection, user.id) != user.token_version:
            raise BadCredentials
        if prove is not None:
            prove(connection)
        session_id = sessions.insert_session(connection, user.id, settings.refresh_ttl_s, settings.token_ttl_s)
        enrolling = must_enrol(connection, user)
    return cookies.answer_tokens(token_json(user, session_id, 0, enrolling=enrolling), status)


def begin_again(connection: Connection, user: User) -> tuple[User, UUID]:
    """End every session of an account, revoke its tokens, and open a new session: return the account and its id.

    Call it as the last step of the transaction, which has locked the account.
    Raises: RedisUnavailable: roll back.
    """
    settings, version = backend().settings, users.raise_version(connection, user.id)
    assert version is not None  # it is locked
    sessions.delete_of_user(connection, user.id)
    session_id = sessions.insert_session(connection, user.id, settings.refresh_ttl_s, settings.token_ttl_s)
    void(connection, user.id, version)
    return replace(user, token_version=version), session_id


def end_all(connection: Connection, user_id: UUID, password_hash: str | None = None) -> int | None:
    """End every session of an account and revoke its tokens; also set a new password hash, if one is given.

    Call it as the last step of the transaction. Returns: the version of future tokens; None: no such account.
    Raises: RedisUnavailable: roll back.
    """
    version = users.raise_version(connection, user_id, password_hash)
    if version is not None:
        sessions.delete_of_user(connection, user_id)
        void(connection, user_id, version)
    return version


def void(connection: Connection, user_id: UUID, version: int) -> None:
    """Revoke all of a user's access tokens below a version. Call it as the last step of the transaction.

    Raises: RedisUnavailable: roll back.
    """
    list_ = revocations.current()
    list_.announce(revoked.insert_of_user(connection, user_id, version, list_.kept_s()))


def no_account() -> Response:
    """Return the answer to a valid token whose account does not exist, or was deleted."""
    return problem(404, "no_account", "The token is valid, but its account does not exist.")


def _end(connection: Connection, session: Session) -> None:
    left_s = sessions.delete_session(connection, session.user_id, str(session.id))
    list_ = revocations.current()
    list_.announce(revoked.insert_of_session(connection, str(session.id), list_.kept_s(left_s)))


def token_json(user: User, session_id: UUID, generation: int, *, enrolling: bool = False) -> dict[str, Any]:
    """Return the tokens of a session. Args: enrolling: the access token can do nothing but enrol a second factor."""
    settings, role = backend().settings, ENROLLING if enrolling else user.role
    return {
        "access_token": mint(user.id, role, session=session_id, version=user.token_version),
        "token_type": "Bearer",
        "expires_in": settings.token_ttl_s,
        "refresh_token": refresh_tokens.make(settings.jwt_secret, session_id, generation),
        "user": user_json(user),
        "must_enrol": enrolling,
    }
