"""Accounts: sign up, log in, one's own profile and bookings.

Log-in answers the same, and takes as long, whether the address or the password is wrong.
"""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint

from api import answers, schemas
from api.describe import route
from api.errors import BadCredentials
from api.passwords import hash_password, password_fits
from api.problems import problem
from api.reading import read_body, read_query
from api.rendering import answer, booking_json, user_json
from api.stores import stores
from api.tokens import current_user, mint, user_required
from db import bookings, users
from db.engine import transaction
from db.users import User

blueprint = Blueprint("auth", __name__, url_prefix="/api/auth", description="Accounts, tokens, one's own bookings.")


@route(blueprint, "POST", "/signup", body=schemas.SIGNUP, answers={201: answers.TOKEN}, errors=(409, 503))
def signup() -> Response:
    """Open an account and get a token."""
    values = read_body(schemas.SIGNUP)
    password_hash = hash_password(values["password"])
    with transaction(stores().engine) as connection:
        user = users.insert_user(connection, values["email"], password_hash, values["name"])
    return _token(user, 201)


@route(blueprint, "POST", "/login", body=schemas.LOGIN, answers={200: answers.TOKEN}, errors=(401, 503))
def login() -> Response:
    """Get a token for an e-mail address and its password."""
    values = read_body(schemas.LOGIN)
    with transaction(stores().engine) as connection:
        found = users.get_by_email(connection, values["email"])
    fits = password_fits(found[1] if found else None, values["password"])
    if found is None or not fits:
        raise BadCredentials
    return _token(found[0], 200)


@route(blueprint, "GET", "/profile", answers={200: answers.USER}, errors=(404, 503), secured=True)
@user_required
def profile() -> Response:
    """One's own account."""
    with transaction(stores().engine) as connection:
        user = users.get_user(connection, current_user())
    return answer(user_json(user)) if user else _no_account()


@route(
    blueprint,
    "PUT",
    "/profile",
    body=schemas.PROFILE_CHANGE,
    answers={200: answers.USER},
    errors=(404, 409, 503),
    secured=True,
)
@user_required
def change_profile() -> Response:
    """Change one's own name, and the address if it is given."""
    values = read_body(schemas.PROFILE_CHANGE)
    with transaction(stores().engine) as connection:
        user = users.update_user(connection, current_user(), name=values["name"], email=values.get("email"))
    return answer(user_json(user)) if user else _no_account()


@route(
    blueprint,
    "GET",
    "/bookings",
    query=schemas.OWN_BOOKINGS_QUERY,
    answers={200: answers.OWN_BOOKINGS},
    errors=(503,),
    secured=True,
)
@user_required
def own_bookings() -> Response:
    """One's own decided bookings, newest first. Those still waiting in line are not among them."""
    query = read_query(schemas.OWN_BOOKINGS_QUERY)
    limit = query["limit"]
    with transaction(stores().engine) as connection:
        found = bookings.list_of_user(connection, current_user(), before=query["before"], limit=limit)
    return answer(
        {
            "bookings": [booking_json(booking) for booking in found],
            "next_before": str(found[-1].id) if len(found) == limit else None,
        }
    )


def _token(user: User, status: int) -> Response:
    return answer(
        {
            "access_token": mint(user.id, user.role),
            "token_type": "Bearer",
            "expires_in": stores().settings.token_ttl_s,
            "user": user_json(user),
        },
        status,
    )


def _no_account() -> Response:
    return problem(404, "no_account", "The token is valid, but its account does not exist.")
