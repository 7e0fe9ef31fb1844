"""Accounts: sign-up, log-in, the user's profile, password and bookings, the export of all these, and deletion.

Log-in answers the same, in the same time, whether the e-mail or the password is wrong; attempts are counted before a
password is hashed (login_limits.py). Changes that could take an account from its owner require the password, not only
a token. Administrators' accounts are changed with `onsale password`, as the database's owner: the api has no right to
(schema.sql).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from api.access.tokens import current_user, user_required
from api.accounts import codes, cookies, login_limits
from api.accounts.ownership import owner
from api.accounts.passwords import hash_password, newer_hash, password_fits
from api.accounts.sessions import NO_VERSION, end_all, no_account, open_session, void
from api.bookings import status_body
from api.shapes import account_requests, answers, links, requests
from api.web import cursors
from api.web.backend import backend
from api.web.errors import BadCredentials
from api.web.openapi import route
from api.web.request_reading import read_body, read_query
from api.web.serializers import answer, session_json, user_json
from core import logs
from core.bookings import Booking
from db.postgres import bookings, sessions, users
from db.postgres.engine import transaction

log = logs.logger(__name__)

blueprint = Blueprint("auth", __name__, url_prefix="/api/auth", description="Accounts, tokens, your bookings.")


@route(
    blueprint,
    "POST",
    "/signup",
    body=account_requests.SIGNUP,
    request_headers=(cookies.HEADER,),
    answers={201: answers.TOKEN},
    leads={201: links.TOKEN},
    errors=(409, 429, 503),
)
def signup() -> Response:
    """Create an account and get tokens."""
    values = read_body(account_requests.SIGNUP)
    login_limits.attempt()
    password_hash = hash_password(values["password"])
    with transaction(backend().engine) as connection:
        user = users.insert_user(connection, values["email"], password_hash, values["name"])
    return open_session(user, 201)


@route(
    blueprint, "POST", "/login", body=account_requests.LOGIN, answers={200: answers.TOKEN}, leads={200: links.TOKEN},
    request_headers=(cookies.HEADER,),
    errors=(401, 429, 503),
)  # fmt: skip
def login() -> Response:
    """Get tokens for an e-mail address, its password and, if the account has a second factor, a code."""
    values = read_body(account_requests.LOGIN)
    attempt = login_limits.attempt(values["email"])
    with transaction(backend().engine) as connection:
        found = users.get_by_email(connection, values["email"])
    fits = password_fits(found[1] if found else None, values["password"])
    if found is None or not fits:
        raise BadCredentials
    user, password_hash = found
    if user.role != "admin" and (newer := newer_hash(password_hash, values["password"])):
        with transaction(backend().engine) as connection:
            users.replace_hash(connection, user.id, password_hash, newer)
    response = open_session(user, 200, lambda connection: codes.redeem(connection, user.id, values.get("code")))
    attempt.succeeded()  # only now: else who knows the password could reset the count between guesses of codes
    return response


@route(blueprint, "GET", "/profile", answers={200: answers.USER}, errors=(404, 503), secured=True)
@user_required
def profile() -> Response:
    """Show your account."""
    with transaction(backend().engine) as connection:
        user = users.get_user(connection, current_user())
    return answer(user_json(user)) if user else no_account()


@route(
    blueprint,
    "PUT",
    "/profile",
    body=account_requests.PROFILE_CHANGE,
    answers={200: answers.USER},
    errors=(403, 404, 409, 503),
    secured=True,
)
@user_required
def change_profile() -> Response:
    """Change your name and, with the password, your e-mail address."""
    values = read_body(account_requests.PROFILE_CHANGE)
    user_id, email = current_user(), values.get("email")
    if email is not None:
        if owner(user_id, values["password"]) is None:
            return no_account()
        login_limits.attempt()  # as for a sign-up: the answer reveals whether this e-mail has an account
    with transaction(backend().engine) as connection:
        user = users.update_user(connection, user_id, name=values["name"], email=email)
    return answer(user_json(user)) if user else no_account()


@route(
    blueprint,
    "GET",
    "/bookings",
    query=requests.PAGE_QUERY,
    answers={200: answers.OWN_BOOKINGS},
    errors=(400, 503),
    secured=True,
)
@user_required
def own_bookings() -> Response:
    """List your decided bookings, newest first. Queued ones are not included."""
    query = read_query(requests.PAGE_QUERY)
    limit, after = query["limit"], cursors.BOOKINGS.read(query["cursor"])
    with transaction(backend().engine) as connection:
        found = bookings.list_of_user(connection, current_user(), after=after, limit=limit + 1)
    return answer(_page(found, limit))


@route(
    blueprint,
    "PUT",
    "/password",
    body=account_requests.PASSWORD_CHANGE,
    request_headers=(cookies.HEADER,),
    answers={200: answers.TOKEN},
    leads={200: links.TOKEN},
    errors=(403, 404, 503),
    secured=True,
)
@user_required
def change_password() -> Response:
    """Change the password; end every session and begin a new one."""
    values = read_body(account_requests.PASSWORD_CHANGE)
    user = owner(current_user(), values["password"])
    if user is None:
        return no_account()
    changed = hash_password(values["new_password"])
    with transaction(backend().engine) as connection:
        version = end_all(connection, user.id, changed)
    return open_session(replace(user, token_version=version), 200) if version is not None else no_account()


@route(
    blueprint,
    "GET",
    "/export",
    query=requests.EXPORT_QUERY,
    answers={200: answers.EXPORT},
    errors=(400, 404, 503),
    secured=True,
)
@user_required
def export() -> Response:
    """Export all data stored about your account; bookings beyond the limit follow page by page."""
    query = read_query(requests.EXPORT_QUERY)
    limit, after = query["limit"], cursors.BOOKINGS.read(query["cursor"])
    with transaction(backend().engine) as connection:
        user = users.get_user(connection, current_user())
        if user is None:
            return no_account()
        opened = sessions.list_of_user(connection, user.id)
        found = bookings.list_of_user(connection, user.id, after=after, limit=limit + 1)
        factor = codes.state(connection, user.id)
    return answer(
        {
            "user": user_json(user),
            "second_factor": factor,
            "sessions": [session_json(session) for session in opened],
            **_page(found, limit),
        },
        headers={"Content-Disposition": 'attachment; filename="onsale-account.json"'},
    )


@route(
    blueprint,
    "DELETE",
    "/profile",
    body=account_requests.ACCOUNT_DELETION,
    answers={204: None},
    errors=(403, 404, 503),
    secured=True,
)
@user_required
def delete_account() -> Response:
    """Delete your account, its sessions and tokens. Its bookings remain, without a name or an e-mail."""
    values = read_body(account_requests.ACCOUNT_DELETION)
    user_id = current_user()
    if owner(user_id, values["password"]) is None:
        return no_account()
    with transaction(backend().engine) as connection:
        if not users.delete_user(connection, user_id):
            return no_account()
        void(connection, user_id, NO_VERSION)
    log.info("account_deleted", user_id=str(user_id))
    return cookies.cleared(Response(status=204))


def _page(found: Sequence[Booking], limit: int) -> dict[str, Any]:
    page = cursors.BOOKINGS.page(
        "bookings", found, limit, status_body.listed, lambda booking: (booking.accepted_ms, booking.id)
    )
    return {**page, "currency": backend().settings.currency}
