"""Replies: what an answer says, before a transport (front.py, or Flask's views) makes a response of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response
from werkzeug.http import parse_etags

JSON = "application/json"


@dataclass(slots=True)
class Reply:
    """A status, a body and the headers that are its own; the transport adds those of every answer."""

    status: int
    body: str | bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON
    #: Whether caches may keep it for a second (rendering.py PUBLIC); none may keep any other.
    public: bool = False
    #: The version that it shows, as in its ETag but without quotes; empty if it has none.
    etag: str = ""

    def unless_known(self, if_none_match: str | None) -> Reply:
        """Return this reply, or 304 for a client that names its version: compared weakly, as RFC 9110 13.1.2 says."""
        if if_none_match is None or not self.etag or not parse_etags(if_none_match).contains_weak(self.etag):
            return self
        return Reply(304, "", self.headers, self.content_type, self.public, self.etag)

    def response(self) -> Response:
        """As a response of Flask's."""
        response = Response(self.body, status=self.status, headers=self.headers, content_type=self.content_type)
        if self.status == 304:
            del response.headers["Content-Type"]
        if self.public:
            response.headers["Cache-Control"] = PUBLIC
        return response


#: Cache-Control of what everybody may see and what may be a second old.
PUBLIC = "public, max-age=1"
