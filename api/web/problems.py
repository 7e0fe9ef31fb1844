"""Every error as RFC 9457 problem+json: one shape, one table from error class to status.

`code` is stable and public; `detail` is for people and may change. No driver's text reaches a client: the cause is in
the log, under the same request id.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException
from werkzeug.wrappers import Response as AnyResponse

from api.web.errors import (
    AdministratorsAccount,
    BadCredentials,
    BadIdempotencyKey,
    BodyIncomplete,
    BodyTimeout,
    BodyTooLarge,
    Busy,
    EnrolmentRequired,
    HallTaken,
    InvalidCursor,
    InvalidRequest,
    NoSuchBooking,
    NoSuchHall,
    NoSuchShow,
    NotAllowed,
    NotJson,
    RefreshInvalid,
    SecondFactorRequired,
    SecondFactorWrong,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TokenRevoked,
    TooMany,
    UnsupportedEncoding,
    UnsupportedMedia,
)
from api.web.reply import Reply
from core import logs
from core.errors import AcceptUnknown, InUse, OnsaleError, PostgresUnavailable, RedisUnavailable
from core.images import BadImage
from core.plans import BadPlan
from db.postgres.catalogue import NoSuchMovie
from db.postgres.halls import HallGone
from db.postgres.users import EmailTaken

MEDIA_TYPE = "application/problem+json"
SOON = {"Retry-After": "1"}
CHALLENGE = {"WWW-Authenticate": "Bearer"}
REFUSED_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token"'}

#: Error -> status and headers.
ERRORS: dict[type[OnsaleError], tuple[int, dict[str, str]]] = {
    RedisUnavailable: (503, SOON),
    AcceptUnknown: (503, {}),
    PostgresUnavailable: (503, SOON),
    Busy: (503, SOON),
    TokenMissing: (401, CHALLENGE),
    TokenInvalid: (401, REFUSED_TOKEN),
    TokenExpired: (401, REFUSED_TOKEN),
    TokenRevoked: (401, REFUSED_TOKEN),
    RefreshInvalid: (401, CHALLENGE),
    BadCredentials: (401, CHALLENGE),
    SecondFactorRequired: (401, CHALLENGE),
    SecondFactorWrong: (401, CHALLENGE),
    TooMany: (429, {}),
    NotAllowed: (403, {}),
    EnrolmentRequired: (403, {}),
    AdministratorsAccount: (403, {}),
    NotJson: (400, {}),
    BodyIncomplete: (400, {"Connection": "close"}),
    BodyTimeout: (408, {"Connection": "close"}),
    BodyTooLarge: (413, {}),
    UnsupportedMedia: (415, {}),
    InvalidCursor: (400, {}),
    UnsupportedEncoding: (415, {"Accept-Encoding": "identity"}),
    NoSuchShow: (404, {}),
    NoSuchBooking: (404, {}),
    NoSuchHall: (404, {}),
    InvalidRequest: (422, {}),
    BadIdempotencyKey: (422, {}),
    BadPlan: (422, {}),
    NoSuchMovie: (422, {}),
    EmailTaken: (409, {}),
    InUse: (409, {}),
    HallGone: (409, {}),
    BadImage: (422, {}),
    HallTaken: (409, {}),
}

#: Status -> code and detail, for errors that Flask and Werkzeug raise.
STATUSES = {
    400: ("bad_request", "The request is malformed."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not support this method."),
    411: ("length_required", "The request must have a Content-Length."),
    413: ("body_too_large", "The body is larger than this address accepts."),
    415: ("unsupported_media_type", "The body must be application/json, in UTF-8."),
}

log = logs.logger(__name__)


def reply(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] | None = None,
    *,
    request_id: str,
    **extra: Any,
) -> Reply:
    """Return a problem.

    Args:    code: stable name, snake_case.  errors: [{"pointer": "/seats/0", "detail": "..."}].
             extra: further members of the body.
    """
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **extra,
    }
    if errors:
        body["errors"] = list(errors)
    return Reply(status, _text(body), list((headers or {}).items()), MEDIA_TYPE)


def _text(body: dict[str, Any]) -> str:
    try:
        return orjson.dumps(body).decode()
    except orjson.JSONEncodeError:  # echoes a client-supplied key containing a lone surrogate
        return json.dumps(body, separators=(",", ":"))


def problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] | None = None,
    **extra: Any,
) -> Response:
    """Return a problem as the response to the current request. Args: as `reply`."""
    return reply(status, code, detail, headers, errors, request_id=g.get("request_id", ""), **extra).response()


def install(app: Flask) -> None:
    """Turn every error of this application into a problem."""
    app.register_error_handler(HTTPException, of_http_exception)
    app.register_error_handler(OnsaleError, of_error)
    app.register_error_handler(Exception, of_surprise)


def of_error(error: OnsaleError) -> Response:
    """Return the response to one of our own errors."""
    return reply_of(error, g.get("request_id", "")).response()


def reply_of(error: Exception, request_id: str) -> Reply:
    """Return the problem of one of our own errors; any other error is a bug: 500 `internal`."""
    entry = next((ERRORS[class_] for class_ in type(error).__mro__ if class_ in ERRORS), None)
    if entry is None or not isinstance(error, OnsaleError):
        return _surprise(error, request_id)
    status, headers = entry
    if isinstance(error, TooMany):
        headers = {"Retry-After": str(error.retry_after_s)}
    if status < 500:
        errors = getattr(error, "errors", None)
        members = getattr(error, "members", {})
        return reply(status, error.code, str(error), headers, errors, request_id=request_id, **members)
    log.warning("unavailable", code=error.code, error=str(error), request_id=request_id)
    detail = inspect.cleandoc(type(error).__doc__ or error.code)
    return reply(status, error.code, detail, headers, request_id=request_id)


def of_http_exception(error: HTTPException) -> AnyResponse:
    """Return the problem of an error that Flask or Werkzeug raised, with its headers, such as Allow."""
    if isinstance(error, RoutingException) or error.response is not None:
        return error.get_response()
    status = error.code or 500
    if status >= 500:
        return of_surprise(error)
    code, detail = STATUSES.get(status) or (error.name.lower().replace(" ", "_"), error.description or "")
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem(status, code, detail, headers)


def of_surprise(error: Exception) -> Response:
    """Log a bug with its traceback, and return a problem that reveals nothing of it."""
    return _surprise(error, g.get("request_id", "")).response()


def _surprise(error: Exception, request_id: str) -> Reply:
    log.error("internal error", exc_info=error, request_id=request_id)
    return reply(500, "internal", "Internal error. It has been logged.", request_id=request_id)
