"""Reading a request: its JSON body or its query string through a schema, or one clear refusal.

Used inside views instead of decorators, so that the hot path pays for nothing but the schema itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from flask import Request, request
from marshmallow import Schema, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import InvalidRequest, NotJson, UnsupportedMedia


def read_body(schema: Schema, *, max_bytes: int | None = None) -> dict[str, Any]:
    """The request's JSON body, checked by `schema`.

    Args:    max_bytes: another limit than the application's.
    Raises:  RequestEntityTooLarge, UnsupportedMedia, NotJson, InvalidRequest.
    """
    return loaded(schema, body_of(request, max_bytes=max_bytes))


def body_of(request: Request, *, max_bytes: int | None = None) -> bytes:
    """The body of a request that says it is JSON. Raises: RequestEntityTooLarge, UnsupportedMedia."""
    if max_bytes is not None:
        request.max_content_length = max_bytes
    if request.mimetype != "application/json":
        raise UnsupportedMedia
    body = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        # A body in chunks says no length, and is silently cut off at the limit.
        raise RequestEntityTooLarge
    return body


def loaded(schema: Schema, body: bytes) -> dict[str, Any]:
    """A JSON body, checked by `schema`. Raises: NotJson, InvalidRequest."""
    try:
        values = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None
    try:
        return cast(dict[str, Any], schema.load(values))
    except ValidationError as error:
        raise InvalidRequest(
            [{"pointer": pointer, "detail": detail} for pointer, detail in faults(error.messages)]
        ) from None


def read_query(schema: Schema) -> dict[str, Any]:
    """The request's query string, checked by `schema`. Raises: InvalidRequest."""
    return loaded_query(schema, request.args)


def loaded_query(schema: Schema, given: MultiDict[str, str]) -> dict[str, Any]:
    """A query, checked by `schema`; a parameter given twice is refused. Raises: InvalidRequest."""
    twice = [name for name, values in given.lists() if len(values) > 1]
    if twice:
        raise InvalidRequest([{"parameter": name, "detail": "Given more than once."} for name in twice])
    try:
        return cast(dict[str, Any], schema.load(given.to_dict()))
    except ValidationError as error:
        raise InvalidRequest(
            [{"parameter": pointer[1:], "detail": detail} for pointer, detail in faults(error.messages)]
        ) from None


def faults(messages: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Marshmallow's nested messages as JSON pointers (RFC 6901), each with its sentence."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from faults(inner, pointer + step)
    elif isinstance(messages, list):
        for message in messages:
            yield from faults(message, pointer)
    else:
        yield pointer, str(messages)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
