"""gzip, for answers that are large and clients that accept it.

What is sent many times is compressed once, when it is made (`Twofold`): seat maps, pages of shows, the docs.
Any other large answer to a GET is compressed by the hook. Bookings are not: their answers are small, and asked for
most often. Nor are answers to writes: they may hold a token beside text that the sender has chosen, and how well the
two compress together tells about the token.
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

#: Bytes. What fits into one packet gains nothing.
SMALLEST = 1_400
MEDIA_TYPES = frozenset({"application/json", "application/problem+json", "text/html", "text/javascript", "text/css"})
#: Of an Accept-Encoding that is read and remembered. Who sends a longer one is sent the plain form.
MAX_CHARS = 200
#: Never looked at: the paths of the hot minute.
SKIPPED = "/api/bookings"
#: Of what is made again and again. A map of 10,000 seats (570 kB, 4.1 ms to render): level 1 gives 43 kB in 1.2 ms,
#: level 4 39 kB in 2.0, level 6 36 kB in 4.1, level 9 32 kB in 16.
LEVEL = 1
#: Of what lasts as long as the process.
LEVEL_ONCE = 9


@dataclass(frozen=True, slots=True)
class Twofold:
    """A body as it is, and compressed. `gzipped`: b"" if it is too small for that."""

    plain: bytes
    gzipped: bytes

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.plain) + len(self.gzipped)


def twofold(plain: bytes, level: int = LEVEL) -> Twofold:
    """Compress a body that will be sent more than once."""
    return Twofold(plain, compressed(plain, level))


def compressed(body: bytes, level: int = LEVEL) -> bytes:
    """Return the body as gzip, always the same for the same body; b"" if it is too small."""
    return gzip.compress(body, level, mtime=0) if len(body) > SMALLEST else b""


def wants_gzip(accept_encoding: str | None) -> bool:
    """Return whether a client accepts gzip, and not less gladly than the plain form (RFC 9110 section 12.5.3)."""
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
    """Return the form that the current request wants, or 304 if it has the version that `etag` names.

    Args: etag: the strong tag of the plain form, without quotes; the compressed form gets the weak one.
    """
    packed = bool(body.gzipped) and request.method == "GET" and _asked()
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
    """Compress the large answers of this application that are not ready."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if request.method not in ("GET", "HEAD") or request.path.startswith(SKIPPED):
        return response
    if response.mimetype not in MEDIA_TYPES or response.is_streamed or response.content_encoding:
        return response
    if response.status_code == 304 or (response.content_length or 0) <= SMALLEST:
        return response
    response.vary.add("Accept-Encoding")
    if request.method == "GET" and _asked():
        tag, _ = response.get_etag()
        response.set_data(compressed(response.get_data()))
        response.content_encoding = "gzip"
        if tag is not None:
            response.set_etag(tag, weak=True)
    return response


def _asked() -> bool:
    return wants_gzip(request.headers.get("Accept-Encoding"))
