"""Routes and their OpenAPI description, in one place and at no cost per request.

flask-smorest builds the document from the notes that `route` leaves on a view; its own decorators would wrap the view
once per aspect. The view itself reads the request and builds the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from apispec import BasePlugin
from flask import Response
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields

from api.shapes.answers import Problem
from api.shapes.fields import Digits, Instant, Prices
from api.shapes.links import Links
from api.web import problems
from api.web.errors import MAX_KEY_CHARS
from api.web.reply import JSON

View = TypeVar("View", bound=Callable[..., Response])

BEARER = "bearer"
#: Error statuses of any request with a body, a query or a token.
BODY_ERRORS, QUERY_ERRORS, TOKEN_ERRORS = (400, 413, 415, 422), (422,), (401, 403, 429)

HEADERS = {
    "Location": "The path of the resource.",
    "Retry-After": "Seconds to wait before the next request.",
    "Preference-Applied": "The preference that was followed: wait=10.",
    "ETag": "The version of the answer; send it as If-None-Match.",
}

#: The form of request headers, in JSON Schema.
HEADER_SHAPES = {"Idempotency-Key": {"minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]([ -~]*[!-~])?$"}}


def route(
    blueprint: Blueprint,
    method: str,
    rule: str,
    *,
    answers: Mapping[int, Schema | str | Sequence[str] | None],
    body: Schema | None = None,
    body_required: bool = True,
    media: Sequence[str] = (),
    query: Schema | None = None,
    request_headers: Sequence[str] = (),
    errors: Sequence[int] = (),
    headers: Mapping[int, Sequence[str]] | None = None,
    leads: Mapping[int, Links] | None = None,
    secured: bool = False,
) -> Callable[[View], View]:
    """Make a function the view of `method rule`, and describe it; its docstring is the summary.

    Args:    answers: status -> shape, or media types for other than JSON, or None for no body.
             media: of a body without schema.   request_headers: those it reads.   errors: statuses besides those of
             body, query and token.   headers: status -> names.   leads: status -> links.   secured: needs a token.
    """
    content = {one: {"schema": shape} for one, shape in ({JSON: body} if body else _unread(*media)).items()}
    reads = (BODY_ERRORS if content else ()) + (QUERY_ERRORS if query else ()) + (TOKEN_ERRORS if secured else ())
    responses: dict[str, Any] = {str(status): HTTPStatus(status).name for status in sorted({*errors, *reads})}
    document: dict[str, Any] = {"responses": responses | _answers(answers, headers or {}, leads or {})}
    if parameters := [*map(_header_parameter, request_headers), *_query_parameters(query)]:
        document["parameters"] = parameters
    if content:
        document["requestBody"] = {"required": body_required, "content": content}
    if secured:
        document["security"] = [{BEARER: []}]

    def register(view: View) -> View:
        document["operationId"] = view.__name__
        view._apidoc = {"manual_doc": document}  # type: ignore[attr-defined]
        blueprint.add_url_rule(rule, view_func=view, methods=[method])
        return view

    return register


class ProblemApi(Api):  # type: ignore[misc]
    """flask-smorest's description, in which every error is a problem."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Register none: the application that answers has its own (problems.py)."""

    def _init_spec(self, **kwargs: Any) -> None:
        super()._init_spec(**kwargs)
        self.register_field(Instant, "string", "date-time")
        self.register_field(Prices, "object", None)
        self.ma_plugin.converter.add_attribute_function(_exactly)
        self.spec.plugins.append(_Rules())
        scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        self.spec.components.security_scheme(BEARER, scheme)

    def _register_responses(self) -> None:
        """Register the error responses under the names that `route` and flask-smorest use to refer to them."""
        described = {status.name: status.phrase for status in HTTPStatus if status >= 400}
        described[self.DEFAULT_ERROR_RESPONSE_NAME] = "Any other error."
        for name, description in described.items():
            response = {"description": description, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, problems.MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)


def _exactly(_converter: Any, field: fields.Field[Any], ret: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Return what apispec leaves out of a field: the end of patterns, the minimum of digits, names of properties."""
    derived: dict[str, Any] = {}
    if str(ret.get("pattern", "")).endswith(r"\Z"):
        # JSON Schema's regular expressions are ECMAScript's: there \Z is the letter, and $ the very end.
        derived["pattern"] = ret["pattern"].removesuffix(r"\Z") + "$"
    if isinstance(field, Digits) and "minimum" not in ret:
        derived["minimum"] = 0
    if "propertyNames" in field.metadata:
        derived["propertyNames"] = field.metadata["propertyNames"]
    return derived


class _Rules(BasePlugin):  # type: ignore[misc,unused-ignore]
    """Adds a shape's rules about several fields, its `RULES`, to the document."""

    def schema_helper(self, name: str, definition: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Return the keywords to add to this schema."""
        return dict(getattr(kwargs.get("schema"), "RULES", {}))


def _unread(*media: str) -> dict[str, Any]:
    """Return what the document says of contents that no schema describes."""
    return {one: {"type": "object" if one == JSON else "string"} for one in media}


def _answers(
    answers: Mapping[int, Schema | str | Sequence[str] | None],
    headers: Mapping[int, Sequence[str]],
    leads: Mapping[int, Links],
) -> dict[str, Any]:
    return {
        str(status): _answer(status, shape, headers.get(status, ()), leads.get(status))
        for status, shape in answers.items()
    }


def _answer(
    status: int, shape: Schema | str | Sequence[str] | None, headers: Sequence[str], links: Links | None
) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(shape, str):
        response["content"] = {shape: {"schema": _unread(shape)[shape]}}
    elif isinstance(shape, Sequence):
        response["content"] = {media: {"schema": _unread(media)[media]} for media in shape}
    elif shape is not None:
        response["content"] = {JSON: {"schema": shape}}
    if headers:
        response["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in headers}
    if links:
        response["links"] = links
    return response


def _query_parameters(query: Schema | None) -> list[dict[str, Any]]:
    return [{"in": "query", "schema": query}] if query else []


def _header_parameter(name: str) -> dict[str, Any]:
    shape = {"type": "string", **HEADER_SHAPES.get(name, {})}
    return {"in": "header", "name": name, "required": False, "schema": shape}
