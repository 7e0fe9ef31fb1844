"""Reading a request: validates its JSON body or query string with a schema, or rejects it.

Views call this instead of using decorators, so that a request costs no more than its schema. `see_to_media`,
`loaded`, `loaded_query` and `loaded_query_string` do not depend on Flask's request: the front uses them, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

from flask import Request, current_app, request
from marshmallow import EXCLUDE, Schema, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from api.web.errors import InvalidRequest, NotJson, UnsupportedEncoding, UnsupportedMedia
from api.web.reply import JSON

CHARSETS = frozenset({"utf-8", "utf8"})


def read_body(schema: Schema, *, max_bytes: int | None = None) -> dict[str, Any]:
    """Return the request's JSON body, validated by `schema`.

    Args:    max_bytes: a limit to replace the application's.
    Raises:  UnsupportedMedia, UnsupportedEncoding, RequestEntityTooLarge, LengthRequired, NotJson, InvalidRequest.
    """
    return loaded(schema, body_of(request, max_bytes=max_bytes))


def body_of(request: Request, *, max_bytes: int | None = None, media: str = JSON) -> bytes:
    """Return the body of a request declared as JSON, or as `media`; it may be chunked, without a length.

    Raises: UnsupportedMedia, UnsupportedEncoding.   RequestEntityTooLarge: it exceeds the limit.
            LengthRequired: it is chunked, and the WSGI server does not decode chunks.
    """
    see_to_media(request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", ""), media)
    return _bytes_of(request, max_bytes or current_app.config["MAX_CONTENT_LENGTH"])


def body_if_any(request: Request) -> bytes:
    """Return the body of a request that may have none: empty then. Raises: as `body_of`."""
    body = _bytes_of(request, current_app.config["MAX_CONTENT_LENGTH"])
    if body:
        see_to_media(request.headers.get("Content-Type", ""), request.headers.get("Content-Encoding", ""))
    return body


def read_upload(*, max_bytes: int) -> bytes:
    """Return the request's body, whatever it is: its content says. Raises: as `body_of`, without UnsupportedMedia."""
    see_to_encoding(request.headers.get("Content-Encoding", ""))
    return _bytes_of(request, max_bytes)


def _bytes_of(request: Request, most: int) -> bytes:
    """Return the body of a request, which may be chunked. Raises: RequestEntityTooLarge, LengthRequired."""
    chunked = request.content_length is None and "Transfer-Encoding" in request.headers
    if chunked and not request.environ.get("wsgi.input_terminated"):
        raise LengthRequired
    if request.content_length is not None and request.content_length > most:
        raise RequestEntityTooLarge
    # Werkzeug silently truncates a body without a length at the limit, so read one byte more than is allowed.
    request.max_content_length = most + 1
    body = request.get_data(cache=False)
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


def loaded(schema: Schema, body: bytes) -> dict[str, Any]:
    """Return the values of a JSON body, validated by `schema`. Raises: NotJson, InvalidRequest."""
    values = json_of(body)
    try:
        return cast(dict[str, Any], schema.load(values))
    except ValidationError as error:
        raise InvalidRequest(
            [{"pointer": pointer, "detail": detail} for pointer, detail in faults(error.messages)]
        ) from None


def read_query(schema: Schema) -> dict[str, Any]:
    """Return the request's query string, validated by `schema`. Raises: InvalidRequest."""
    return loaded_query(schema, request.args)


def loaded_query_string(schema: Schema, query: str) -> dict[str, Any]:
    """Return the values of a query as it was sent (`loaded_query`)."""
    return loaded_query(schema, MultiDict(parse_qsl(query, keep_blank_values=True)))


def loaded_query(schema: Schema, query: MultiDict[str, str]) -> dict[str, Any]:
    """Return a query's values, validated by `schema`; each known parameter may be given once.

    Unknown parameters are ignored: browsers, caches and campaigns add theirs. Raises: InvalidRequest.
    """
    known = {field.data_key or name for name, field in schema.load_fields.items()}
    given = {name: values for name, values in query.lists() if name in known}
    twice = [name for name, values in given.items() if len(values) > 1]
    if twice:
        raise InvalidRequest([{"parameter": name, "detail": "Given more than once."} for name in twice])
    try:
        values = schema.load({name: values[0] for name, values in given.items()}, unknown=EXCLUDE)
    except ValidationError as error:
        raise InvalidRequest(
            [{"parameter": pointer[1:], "detail": detail} for pointer, detail in faults(error.messages)]
        ) from None
    return cast(dict[str, Any], values)


def see_to_media(content_type: str, content_encoding: str, media: str = JSON) -> None:
    """Check that the headers declare a body as uncompressed JSON (`media`) in UTF-8. Args: "" for an absent header.

    Raises: UnsupportedMedia, UnsupportedEncoding.
    """
    if content_type == media and not content_encoding:  # fast path: nearly all requests
        return
    media_type, parameters = parse_options_header(content_type)
    if media_type.lower() != media or parameters.get("charset", "utf-8").lower() not in CHARSETS:
        raise UnsupportedMedia
    see_to_encoding(content_encoding)


def see_to_encoding(content_encoding: str) -> None:
    """Check that a body is not compressed. Args: "" for an absent header. Raises: UnsupportedEncoding."""
    if content_encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding


def json_of(body: bytes) -> Any:
    """Parse a JSON body, with or without a byte order mark. Raises: NotJson."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None


def faults(messages: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Flatten marshmallow's nested messages into pairs of a JSON pointer (RFC 6901) and a message."""
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
