"""The second factor of the user's own account: enrolling with an app for one-time codes, new
recovery codes, and turning it off.

Whether an administrator may log in without one is the setting ADMIN_SECOND_FACTOR. Without device and recovery codes,
`onsale admin reset-second-factor` remains.
"""

from __future__ import annotations

import secrets

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from api.access import audit
from api.access.tokens import current_user, enroller_required, user_required
from api.accounts import codes, cookies, login_limits
from api.accounts.ownership import proven
from api.accounts.sessions import begin_again, no_account, token_json
from api.shapes import account_requests, second_factor_answers
from api.web.backend import backend
from api.web.errors import SecondFactorWrong
from api.web.openapi import route
from api.web.problems import problem
from api.web.request_reading import read_body
from api.web.serializers import answer
from core import second_factor
from db.postgres import accounts, second_factors, users
from db.postgres.engine import transaction
from db.postgres.users import User

PATH = "/second-factor"

blueprint = Blueprint("second_factor", __name__, url_prefix="/api/auth", description="One-time codes for log-ins.")


@route(
    blueprint, "GET", PATH, answers={200: second_factor_answers.STATE}, errors=(503,), secured=True,
)  # fmt: skip
@enroller_required
def show_second_factor() -> Response:
    """Show whether your log-ins need a code, and how many recovery codes are left."""
    with transaction(backend().engine) as connection:
        state = codes.state(connection, current_user())
    return answer(state)


@route(
    blueprint, "POST", PATH, body=account_requests.SECOND_FACTOR, answers={201: second_factor_answers.SECRET},
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
@enroller_required
def begin_second_factor() -> Response:
    """Get a new secret for an app of one-time codes, shown once. It counts when a code has confirmed it."""
    found = proven(current_user(), read_body(account_requests.SECOND_FACTOR)["password"])
    if found is None:
        return no_account()
    user, attempt = found
    secret = secrets.token_bytes(second_factor.SECRET_BYTES)
    with transaction(backend().engine) as connection:
        if users.lock_version(connection, user.id) is None:
            return no_account()
        if not second_factors.begin(connection, user.id, secret):
            return _enrolled()
    attempt.succeeded()
    issuer = backend().settings.installation_name
    uri = second_factor.address(secret, user.email, issuer)
    return answer({"secret": second_factor.secret_text(secret), "otpauth_uri": uri}, 201)


@route(
    blueprint, "PUT", PATH, body=account_requests.CODE, answers={200: second_factor_answers.ENROLLED},
    request_headers=(cookies.HEADER,),
    errors=(404, 409, 503), secured=True,
)  # fmt: skip
@enroller_required
def confirm_second_factor() -> Response:
    """Confirm the secret with a code of the app: log-ins need one from now on. All other sessions end.

    The answer has the recovery codes, which are shown once, and a new pair of tokens.
    """
    code = read_body(account_requests.CODE)["code"]
    with transaction(backend().engine) as connection:
        user = users.get_user(connection, current_user())
    if user is None:
        return no_account()
    attempt = login_limits.attempt(user.email)
    recovery_codes = _draw()
    with transaction(backend().engine) as connection:
        user = accounts.lock_user(connection, user.id)
        factor = second_factors.get(connection, user.id, lock=True) if user else None
        if user is None or factor is None:
            return _none() if user else no_account()
        if factor.confirmed_at is not None:
            return _enrolled()
        step = second_factor.step_of(factor.secret, code, codes.now_s(), factor.last_step)
        if step is None:
            raise SecondFactorWrong
        second_factors.confirm(connection, user.id, step, second_factor.recovery_hashes(user.id, recovery_codes))
        _record(connection, user, "second_factor.enrol")
        user, session_id = begin_again(connection, user)
    attempt.succeeded()
    return cookies.answer_tokens({**token_json(user, session_id, 0), "recovery_codes": recovery_codes})


@route(
    blueprint, "DELETE", PATH, body=account_requests.SECOND_FACTOR_PROOF, answers={204: None},
    errors=(404, 503), secured=True,
)  # fmt: skip
@user_required
def turn_off_second_factor() -> Response:
    """Turn off the second factor, with the password and a one-time or recovery code."""
    values = read_body(account_requests.SECOND_FACTOR_PROOF)
    found = proven(current_user(), values["password"])
    if found is None:
        return no_account()
    user, attempt = found
    with transaction(backend().engine) as connection:
        users.lock_version(connection, user.id)
        if not codes.redeem(connection, user.id, values["code"]):
            return _none()
        second_factors.delete(connection, user.id)
        _record(connection, user, "second_factor.end")
    attempt.succeeded()
    return Response(status=204)


@route(
    blueprint, "POST", f"{PATH}/recovery-codes", body=account_requests.SECOND_FACTOR_PROOF,
    answers={200: second_factor_answers.RECOVERY_CODES}, errors=(404, 503), secured=True,
)  # fmt: skip
@user_required
def renew_recovery_codes() -> Response:
    """Get ten new recovery codes, shown once, with the password and a one-time or recovery code. The old ones end.

    Sessions and the app's secret remain. Repeat, after a lost answer: with another code; that gives the next ten.
    """
    values = read_body(account_requests.SECOND_FACTOR_PROOF)
    found = proven(current_user(), values["password"])
    if found is None:
        return no_account()
    user, attempt = found
    recovery_codes = _draw()
    with transaction(backend().engine) as connection:
        users.lock_version(connection, user.id)
        if not codes.redeem(connection, user.id, values["code"]):
            return _none()
        second_factors.renew_recovery_codes(
            connection, user.id, second_factor.recovery_hashes(user.id, recovery_codes)
        )
        _record(connection, user, "second_factor.recovery_codes")
    attempt.succeeded()
    return answer({"recovery_codes": recovery_codes})


def _draw() -> list[str]:
    drawn = [secrets.token_bytes(second_factor.RECOVERY_BYTES) for _ in range(second_factor.RECOVERY_CODES)]
    return [second_factor.recovery_code(each) for each in drawn]


def _record(connection: Connection, user: User, action: str) -> None:
    """Record in the audit log what an administrator or the box office did to the own account."""
    if user.role != "user":
        audit.done(connection, action, f"user {user.id}", role=user.role)


def _enrolled() -> Response:
    detail = "This account has a second factor already: turn it off first, with the password and a code."
    return problem(409, "second_factor_enrolled", detail)


def _none() -> Response:
    return problem(404, "no_second_factor", "This account has no second factor.")
