"""The session cookie: how pages of this server hold a refresh token that no script can read.

A page asks for it by the request header `X-Session-Cookie`. Its answers with tokens then have the refresh token in
the cookie and null in the body. A page of another origin cannot use it: the cookie is for the same site only, such a
page may not send the header (it is in no preflight's answer), and no answer allows credentials.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.web.backend import backend
from api.web.serializers import answer

HEADER = "X-Session-Cookie"
NAME = "onsale_session"
#: Below the path prefix: the routes that read or clear it.
PATH = "/api/auth"


def is_wanted() -> bool:
    """Return whether the current request asks for the cookie."""
    return HEADER in request.headers


def given() -> str:
    """Return the refresh token of the request's cookie; "" if there is none, or the request does not ask for it."""
    return request.cookies.get(NAME, "") if is_wanted() else ""


def answer_tokens(tokens: dict[str, Any], status: int = 200) -> Response:
    """Answer with a session's tokens: the refresh token in the cookie if that is wanted, else in the body."""
    if not is_wanted():
        return answer(tokens, status)
    response = answer({**tokens, "refresh_token": None}, status)
    response.set_cookie(NAME, tokens["refresh_token"], max_age=backend().settings.refresh_ttl_s, **_attributes())
    return response


def cleared(response: Response) -> Response:
    """Return an answer that also ends the browser's session, if the request has its cookie."""
    if NAME in request.cookies:
        response.delete_cookie(NAME, **_attributes())
    return response


def _attributes() -> dict[str, Any]:
    # Without TLS the cookie is as safe as the page, which could not be signed in otherwise (`make run`).
    path = request.script_root + PATH
    return {"path": path, "httponly": True, "samesite": "Strict", "secure": request.is_secure}
