"""Errors that only HTTP knows: tokens, rights, and requests that cannot be read.

Which status each becomes stands in one table, in `api/web/problems.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import OnsaleError


class TokenMissing(OnsaleError):
    """This needs a token: `Authorization: Bearer <access_token>`."""

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
    """Only an administrator may do this."""

    code = "not_allowed"


class AdministratorsAccount(OnsaleError):
    """An administrator's address and password are changed by the command `onsale password`, not over HTTP."""

    code = "administrators_account"


class BadCredentials(OnsaleError):
    """E-mail and password do not belong together."""

    code = "bad_credentials"


class Busy(OnsaleError):
    """Too many requests at the moment; try again."""

    code = "busy"


class TooMany(OnsaleError):
    """Too many requests; wait a moment. `retry_after_s`: whole seconds, at least 1."""

    code = "too_many"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class TooManyRequests(TooMany):
    """More requests than one user may send; wait a moment."""

    code = "too_many_requests"


class TooManyLogins(TooMany):
    """Too many attempts to log in; wait a moment."""

    code = "too_many_logins"


class NoSuchShow(OnsaleError):
    """There is no such show."""

    code = "no_such_show"


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
    """The body must come as it is: no Content-Encoding but identity is read."""

    code = "unsupported_content_encoding"


class BodyTooLarge(OnsaleError):
    """The body is larger than this address takes."""

    code = "body_too_large"


class BodyIncomplete(OnsaleError):
    """The body ended before it was whole."""

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
    """Another show is in this hall then."""

    code = "hall_taken"


class InvalidCursor(OnsaleError):
    """The cursor is none of this list: begin again without one."""

    code = "invalid_cursor"


#: An Idempotency-Key may be this long; the draft's own example is a UUID.
MAX_KEY_CHARS = 255


class BadIdempotencyKey(OnsaleError):
    __doc__ = f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters."

    code = "bad_idempotency_key"
