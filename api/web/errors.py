"""Errors of the HTTP layer: tokens, rights, limits, unknown things, and requests that cannot be parsed.

A docstring is the problem's default `detail`. A table in `api/web/problems.py` maps each class to a status.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import OnsaleError


class TokenMissing(OnsaleError):
    """This request requires a token: `Authorization: Bearer <access_token>`."""

    code = "token_missing"


class TokenInvalid(OnsaleError):
    """The token is not valid."""

    code = "token_invalid"


class TokenExpired(OnsaleError):
    """The token has expired; log in again."""

    code = "token_expired"


class TokenRevoked(OnsaleError):
    """The token has been revoked; log in again."""

    code = "token_revoked"


class RefreshInvalid(OnsaleError):
    """The refresh token is not valid; log in again."""

    code = "refresh_invalid"


class NotAllowed(OnsaleError):
    """Your role does not allow this."""

    code = "not_allowed"


class AdministratorsAccount(OnsaleError):
    """An administrator's account is changed with the command `onsale password`, not over HTTP."""

    code = "administrators_account"


class BadCredentials(OnsaleError):
    """The e-mail address or the password is wrong."""

    code = "bad_credentials"


class SecondFactorRequired(OnsaleError):
    """The password is right; this account also needs a `code`: a one-time code or a recovery code."""

    code = "second_factor_required"


class SecondFactorWrong(OnsaleError):
    """The code is wrong, too old, or was used before."""

    code = "second_factor_wrong"


class EnrolmentRequired(OnsaleError):
    """This installation requires a second factor of administrators: enrol at /api/auth/second-factor first."""

    code = "second_factor_required"


class Busy(OnsaleError):
    """Too many requests at the moment; try again later."""

    code = "busy"


class TooMany(OnsaleError):
    """Too many requests; wait a moment. `retry_after_s`: whole seconds, at least 1."""

    code = "too_many"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class TooManyRequests(TooMany):
    """Too many requests by one user; wait a moment."""

    code = "too_many_requests"


class TooManyLogins(TooMany):
    """Too many attempts to log in; wait a moment."""

    code = "too_many_logins"


class TooManyStreams(TooMany):
    """Too many streams of one user are open; close one."""

    code = "too_many_streams"


class NoSuchShow(OnsaleError):
    """There is no such show."""

    code = "no_such_show"


class NoSuchHall(OnsaleError):
    """There is no such hall."""

    code = "no_such_hall"


class NoSuchBooking(OnsaleError):
    """There is no such booking."""

    code = "no_such_booking"


class NotJson(OnsaleError):
    """The body is not valid JSON."""

    code = "not_json"


class UnsupportedMedia(OnsaleError):
    """The body must be application/json, in UTF-8."""

    code = "unsupported_media_type"


class UnsupportedEncoding(OnsaleError):
    """The body must not be compressed: the only supported Content-Encoding is identity."""

    code = "unsupported_content_encoding"


class BodyTooLarge(OnsaleError):
    """The body is larger than this address accepts."""

    code = "body_too_large"


class BodyIncomplete(OnsaleError):
    """The body ended before it was complete."""

    code = "body_incomplete"


class BodyTimeout(OnsaleError):
    """The body did not arrive in time."""

    code = "request_timeout"


class InvalidRequest(OnsaleError):
    """The request does not have the right shape."""

    code = "invalid_request"

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        super().__init__()
        self.errors = errors


class HallTaken(OnsaleError):
    """Another show is in this hall at that time."""

    code = "hall_taken"


class InvalidCursor(OnsaleError):
    """The cursor does not belong to this list; start again without one."""

    code = "invalid_cursor"


#: Max characters of an Idempotency-Key; the draft's example is a UUID.
MAX_KEY_CHARS = 255


class BadIdempotencyKey(OnsaleError):
    __doc__ = f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters."

    code = "bad_idempotency_key"
