"""The proof that a request comes from the account's owner: the password, where a token alone is not enough."""

from __future__ import annotations

from uuid import UUID

from api.accounts import login_limits
from api.accounts.login_limits import Attempt
from api.accounts.passwords import password_fits
from api.web.backend import backend
from api.web.errors import AdministratorsAccount, BadCredentials
from db.postgres import second_factors, users
from db.postgres.engine import transaction
from db.postgres.users import User


def proven(user_id: UUID, password: str) -> tuple[User, Attempt] | None:
    """Return the account if the password is its own; None if it does not exist. Count an attempt to log in.

    The caller says that the attempt has succeeded.
    Raises: BadCredentials, TooManyLogins, RedisUnavailable, Busy.
    """
    with transaction(backend().engine) as connection:
        found = users.get_with_hash(connection, user_id)
    if found is None:
        return None
    user, password_hash = found
    attempt = login_limits.attempt(user.email)
    if not password_fits(password_hash, password):
        raise BadCredentials
    return user, attempt


def owner(user_id: UUID, password: str) -> User | None:
    """Return the account if the password is its own, and it is no administrator's; None if it does not exist.

    Raises: as `proven`, and AdministratorsAccount.
    """
    found = proven(user_id, password)
    if found is None:
        return None
    user, attempt = found
    with transaction(backend().engine) as connection:
        needs_code = second_factors.is_confirmed(connection, user.id)
    if not needs_code:  # else the password alone could reset the count between guesses of codes
        attempt.succeeded()
    if user.role == "admin":
        raise AdministratorsAccount
    return user
