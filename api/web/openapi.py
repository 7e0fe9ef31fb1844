"""Routes and their description in one place: what stands here is the OpenAPI document, and costs no request.

flask-smorest builds the document from what `route` notes on a view; its own decorators would wrap the view
once more for each thing said about it. Reading and answering is done by the view itself.
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

View = TypeVar("View", bound=Callable[..., Response])

BEARER = "bearer"
#: What a request with a body, a query or a token can run into, wherever it goes.
BODY_ERRORS, QUERY_ERRORS, TOKEN_ERRORS = (400, 413, 415, 422), (422,), (401, 429)

HEADERS = {
    "Location": "Where the thing is found.",
    "Retry-After": "Seconds after which asking again makes sense.",
    "ETag": "Names this version of the answer; send it as If-None-Match.",
}

#: What a request header must look like.
HEADER_SHAPES = {"Idempotency-Key": {"minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]([ -~]*[!-~])?$"}}


def route(
    blueprint: Blueprint,
    method: str,
    rule: str,
    *,
    answers: Mapping[int, Schema | str | None],
    body: Schema | None = None,
    query: Schema | None = None,
    takes: Sequence[str] = (),
    errors: Sequence[int] = (),
    headers: Mapping[int, Sequence[str]] | None = None,
    leads: Mapping[int, Links] | None = None,
    secured: bool = False,
) -> Callable[[View], View]:
    """Make a function the view of `method rule`, and describe it; its docstring is the summary.

    Args:    answers: status -> shape, or a media type for what is not JSON, or None for no body.
             takes: request headers it understands.  errors: statuses besides those of body, query, token.
             headers: status -> names of response headers.  leads: status -> links.  secured: needs a token.
    """
    reads = [*(BODY_ERRORS if body else ()), *(QUERY_ERRORS if query else ()), *(TOKEN_ERRORS if secured else ())]
    responses: dict[str, Any] = {str(status): HTTPStatus(status).name for status in sorted({*errors, *reads})}
    for status, shape in answers.items():
        responses[str(status)] = _answer(status, shape, (headers or {}).get(status, ()), (leads or {}).get(status))
    document: dict[str, Any] = {"responses": responses}
    parameters = [_header_parameter(name) for name in takes] + ([{"in": "query", "schema": query}] if query else [])
    if parameters:
        document["parameters"] = parameters
    if body:
        document["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
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
        """The error responses, by the names that `route` and flask-smorest refer to them."""
        described = {status.name: status.phrase for status in HTTPStatus if status >= 400}
        described[self.DEFAULT_ERROR_RESPONSE_NAME] = "Any other error."
        for name, description in described.items():
            response = {"description": description, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, problems.MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)


def _exactly(_converter: Any, field: fields.Field[Any], ret: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """What the document would not know of a field by itself: where patterns end, and that digits have no sign."""
    told: dict[str, Any] = {}
    if str(ret.get("pattern", "")).endswith(r"\Z"):
        # JSON Schema's regular expressions are ECMAScript's: there \Z is the letter, and $ the very end.
        told["pattern"] = ret["pattern"].removesuffix(r"\Z") + "$"
    if isinstance(field, Digits) and "minimum" not in ret:
        told["minimum"] = 0
    if "propertyNames" in field.metadata:
        told["propertyNames"] = field.metadata["propertyNames"]
    return told


class _Rules(BasePlugin):  # type: ignore[misc,unused-ignore]
    """What a shape asks of several fields together: its `RULES`, keywords of JSON Schema."""

    def schema_helper(self, name: str, definition: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """The keywords to add to this schema."""
        return dict(getattr(kwargs.get("schema"), "RULES", {}))


def _answer(status: int, shape: Schema | str | None, headers: Sequence[str], links: Links | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(shape, str):
        response["content"] = {shape: {"schema": {"type": "object" if shape == "application/json" else "string"}}}
    elif shape is not None:
        response["content"] = {"application/json": {"schema": shape}}
    if headers:
        response["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in headers}
    if links:
        response["links"] = links
    return response


def _header_parameter(name: str) -> dict[str, Any]:
    shape = {"type": "string", **HEADER_SHAPES.get(name, {})}
    return {"in": "header", "name": name, "required": False, "schema": shape}
