"""Conditional requests: checks whether a client already has the current version (RFC 9110 section 13.1.2)."""

from __future__ import annotations

from werkzeug.http import parse_etags


def has_version(if_none_match: str | None, etag: str) -> bool:
    """Return whether an If-None-Match names this version, or any (`*`), so that the answer is 304.

    The comparison is weak, because a proxy that compresses answers turns our "5" into W/"5".

    Args: if_none_match: the header's value, None if it is absent.   etag: the tag without its quotes and W/.
    """
    if if_none_match is None:
        return False
    return if_none_match == f'"{etag}"' or parse_etags(if_none_match).contains_weak(etag)
