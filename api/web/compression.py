"""gzip, for large answers to clients that accept it.

Bodies that are sent many times are compressed once, when they are built (`Twofold`): seat maps, pages of shows, the
docs. The hook compresses any other large answer to a GET, except bookings, which are small and the most frequent.
Answers to writes are never compressed: they may contain a token next to text chosen by the sender, and their
compressed size would leak it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from api.web.conditional import has_version

#: Bytes. Bodies up to this size fit into one packet, so compression gains nothing.
SMALLEST = 1_400
MEDIA_TYPES = frozenset({"application/json", "application/problem+json", "text/html", "text/javascript", "text/css"})
#: Max characters of an Accept-Encoding that is parsed and cached. With a longer one, the answer is not compressed.
MAX_CHARS = 200
#: Never compressed: the most frequent paths.
SKIPPED = "/api/bookings"
#: For bodies that are built again and again. A map of 10,000 seats (570 kB, 4.1 ms to render): level 1 gives 43 kB in
#: 1.2 ms, level 4 39 kB in 2.0, level 6 36 kB in 4.1, level 9 32 kB in 16.
LEVEL = 1
#: For bodies that are built once per process.
LEVEL_ONCE = 9


@dataclass(frozen=True, slots=True)
class Twofold:
    """A body, plain and compressed. `gzipped`: b"" if it is too small to compress."""

    plain: bytes
    gzipped: bytes

    @property
    def size(self) -> int:
        """Return the bytes of both forms together."""
        return len(self.plain) + len(self.gzipped)


def twofold(plain: bytes, level: int = LEVEL) -> Twofold:
    """Compress a body that will be sent more than once."""
    return Twofold(plain, compressed(plain, level))


def compressed(body: bytes, level: int = LEVEL) -> bytes:
    """Return the body as gzip, deterministically; b"" if it is too small to compress."""
    return gzip.compress(body, level, mtime=0) if len(body) > SMALLEST else b""


def wants_gzip(accept_encoding: str | None) -> bool:
    """Return whether a client accepts gzip and does not prefer the plain form (RFC 9110 section 12.5.3)."""
    if not accept_encoding or len(accept_encoding) > MAX_CHARS:
        return False
    return _wants(accept_encoding)


@lru_cache(maxsize=64)
def _wants(accept_encoding: str) -> bool:
    accepted = parse_accept_header(accept_encoding, Accept)
    quality = float(accepted.quality("gzip"))
    return quality > 0 and quality >= accepted.quality("identity")


def respond(
    body: Twofold, content_type: str, headers: Mapping[str, str] | None = None, *, etag: str | None = None
) -> Response:
    """Return the form that the current request accepts, or 304 if it has the version named by `etag`.

    Args: etag: the strong tag of the plain form, without quotes; the compressed form gets the weak one.
    """
    packed = bool(body.gzipped) and request.method == "GET" and _request_wants_gzip()
    if etag is not None and has_version(request.headers.get("If-None-Match"), etag):
        response = Response(status=304, headers=headers)
    else:
        response = Response(body.gzipped if packed else body.plain, content_type=content_type, headers=headers)
        if packed:
            response.content_encoding = "gzip"
    if body.gzipped:
        response.vary.add("Accept-Encoding")
    if etag is not None:
        response.set_etag(etag, weak=packed)
    return response


def install(app: Flask) -> None:
    """Install the hook that compresses large answers which are not compressed yet."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if request.method not in ("GET", "HEAD") or request.path.startswith(SKIPPED):
        return response
    if response.mimetype not in MEDIA_TYPES or response.is_streamed or response.content_encoding:
        return response
    if response.status_code == 304 or (response.content_length or 0) <= SMALLEST:
        return response
    response.vary.add("Accept-Encoding")
    if request.method == "GET" and _request_wants_gzip():
        tag, _ = response.get_etag()
        response.set_data(compressed(response.get_data()))
        response.content_encoding = "gzip"
        if tag is not None:
            response.set_etag(tag, weak=True)
    return response


def _request_wants_gzip() -> bool:
    return wants_gzip(request.headers.get("Accept-Encoding"))
