"""Replies: answers before a transport (front.py, or Flask's views) turns them into responses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flask import Response, request

from api.web.compression import wants_gzip
from api.web.conditional import has_version
from api.web.proxies import located

JSON = "application/json"


@dataclass(slots=True)
class Reply:
    """A status, a body and its specific headers; the transport adds the headers that every answer has."""

    status: int
    body: str | bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON
    #: Whether caches may keep it for a second (PUBLIC); they may not keep others.
    public: bool = False
    #: Whether caches may keep it for ever (IMMUTABLE).
    immutable: bool = False
    #: Whether it is a page or controls one: it may load what this server serves, and caches ask before each use.
    page: bool = False
    #: The body's version: its ETag without quotes; empty if it has none.
    etag: str = ""
    #: The body for clients that accept gzip; empty if there is none (`packed`).
    gzipped: bytes = b""

    def unless_known(self, if_none_match: str | None) -> Reply:
        """Return this reply, or 304 for a client that has its version (weak comparison, RFC 9110 section 13.1.2)."""
        if not self.etag or not has_version(if_none_match, self.etag):
            return self
        return replace(self, status=304, body="")

    def below(self, prefix: str) -> Reply:
        """Return this reply for a client behind a path prefix, which is added to its Location."""
        if not prefix or not any(name == "Location" for name, _ in self.headers):
            return self
        headers = [(name, located(prefix, value) if name == "Location" else value) for name, value in self.headers]
        return replace(self, headers=headers)

    def packed(self, accept_encoding: str | None) -> Reply:
        """Return this reply compressed, with a weak ETag, if it can be and the client accepts it. Not for HEAD."""
        if not self.gzipped:
            return self
        vary = ", ".join([*(value for name, value in self.headers if name == "Vary"), "Accept-Encoding"])
        headers = [*(each for each in self.headers if each[0] != "Vary"), ("Vary", vary)]
        if not wants_gzip(accept_encoding):
            return replace(self, headers=headers)
        headers = [(name, f"W/{value}" if name == "ETag" else value) for name, value in headers]
        if self.status == 304:
            return replace(self, headers=headers)
        return replace(self, body=self.gzipped, headers=[*headers, ("Content-Encoding", "gzip")])

    def response(self) -> Response:
        """Return this reply as Flask's response to the current request."""
        headers = self.below(request.script_root).headers
        response = Response(self.body, status=self.status, headers=headers, content_type=self.content_type)
        if self.status == 304:
            del response.headers["Content-Type"]
        if self.public or self.immutable:
            response.headers["Cache-Control"] = IMMUTABLE if self.immutable else PUBLIC
        if self.page:
            response.headers.update(PAGE)
        return response


#: Cache-Control of public answers, which may be a second old.
PUBLIC = "public, max-age=1"
#: Headers of pages. No script and no style in the page itself, no frame, and nothing from any other host.
PAGE = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
#: Cache-Control of what never changes. A year is the longest time that caches heed.
IMMUTABLE = "public, max-age=31536000, immutable"
