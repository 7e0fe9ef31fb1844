"""Compares two answers to one request, field by field, without values that always differ."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.contract.wire import Answer

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Of the server, of the moment, or checked by itself: the length is that of the body (case.py sound).
SKIPPED = {"date", "server", "connection", "keep-alive", "content-length", "transfer-encoding", "last-modified"}
#: Members that differ each time, at any depth.
NEW = {"id", "show_id", "request_id", "reference", "access_token", "refresh_token", "email", "eta_ms", "title",
       "expires_in_ms", "name", "next_cursor", "poll_after_ms", "free", "held", "sold", "version", "lane",
       "seq", "user_id", "booking_id", "hall_id", "since", "until", "published_version",
       "payload", "payload_base64", "replaced_by",
       "answers_in_ms", "used_bytes", "writer_rate", "poster",
       "secret", "otpauth_uri", "recovery_codes"}  # fmt: skip
LISTS = ("movies", "halls", "shows", "acts", "ids", "lanes", "workers", "samples", "users", "parked")


def plain(answer: Answer) -> dict[str, Any]:
    """Return the parts of an answer that must be the same on every transport."""
    # The front refuses a body that is too large before it identifies the user, so there are no rate headers.
    skipped = SKIPPED | ({"ratelimit", "ratelimit-policy"} if answer.status == 413 else set())
    headers = sorted((name, _text(name, value)) for name, value in answer.headers if name not in skipped)
    return {"status": answer.status, "headers": headers, "body": _body(answer)}


def _text(name: str, value: str) -> str:
    if name in ("x-request-id", "ratelimit"):
        return "new"
    if name in ("vary", "allow", "access-control-allow-methods", "access-control-expose-headers"):
        return ", ".join(sorted(value.split(", ")))
    if name == "set-cookie":
        return re.sub(r"=[^;]{70}|expires=[^;]*", "new", value, flags=re.IGNORECASE)
    if name in ("etag", "location", "retry-after"):
        return re.sub(r"\d+", "9", re.sub(rf"{UUID}|[0-9a-f]{{24}}|[0-9a-f]{{16}}|[0-9A-Za-z]+-\d+-\d+", "id", value))
    return value


def _body(answer: Answer) -> Any:
    kind = answer.one("content-type")
    if not answer.body or kind.startswith("text/plain"):  # the metrics
        return kind
    if "json" not in kind:
        return answer.body
    return _member("", json.loads(answer.body))


def _member(name: str, value: Any) -> Any:
    """Return a member's value or, if it differs each time, its type."""
    if name == "errors" and isinstance(value, list):
        value = sorted(value, key=json.dumps)
    if isinstance(value, dict):
        return {key: _member(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return type(value).__name__ if name in LISTS else [_member(name, inner) for inner in value]
    if name in NEW or name.endswith("_at"):
        return type(value).__name__
    if name == "detail":
        return re.sub(r"\d+", "9", value)
    return value
