"""Replies: what an answer says, before it becomes a response of Flask's or of the hot path (hotpath.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response

JSON = "application/json"


@dataclass(slots=True)
class Reply:
    """A status, a body and the headers that are its own; what every answer has is added later."""

    status: int
    body: str | bytes
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = JSON
    #: Whether caches may keep it for a second (rendering.py PUBLIC); none may keep any other.
    public: bool = False

    def response(self) -> Response:
        """As a response of Flask's."""
        return Response(self.body, status=self.status, headers=self.headers, content_type=self.content_type)
