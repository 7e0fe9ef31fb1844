"""The envelope: the headers that every answer of the hot path has, as Flask's answers have them (hooks.py)."""

from __future__ import annotations

from collections.abc import Mapping

from api import hooks
from api.plain import Headers
from api.rendering import PUBLIC

Pairs = list[tuple[bytes, bytes]]


class Envelope:
    """Security, browsers and TLS: fixed when the process starts, but for what the request says of itself."""

    def __init__(self, origins: tuple[str, ...], exposed: list[str], proxies: int) -> None:
        """Args: origins: whose pages may read answers.   proxies: how many are trusted in front of us."""
        self._always = _lines(hooks.SECURITY_HEADERS)
        self._public = _lines({**hooks.SECURITY_HEADERS, **PUBLIC})
        self._proxies = proxies
        if origins:
            for lines in (self._always, self._public):
                lines.append((b"vary", b"Origin"))
        told = ", ".join(sorted(exposed)).encode()
        self._of_origin: dict[bytes, Pairs] = {
            origin.encode(): [
                (b"access-control-allow-origin", origin.encode()),
                (b"access-control-expose-headers", told),
            ]
            for origin in origins
        }

    def knows(self, headers: Headers) -> bool:
        """Whether `around` can answer this request; if every origin is allowed, Flask says how."""
        return b"origin" not in headers or b"*" not in self._of_origin

    def around(self, headers: Headers, request_id: str, public: bool = False) -> Pairs:
        """The headers of the answer to a request with these headers; `public`: caches may keep it for a second."""
        found = [(b"x-request-id", request_id.encode()), *(self._public if public else self._always)]
        if self._of_origin and (origin := headers.get(b"origin")):
            found += self._of_origin.get(origin, [])
        if self._proxies and self._over_tls(headers.get(b"x-forwarded-proto", b"")):
            found.append((b"strict-transport-security", hooks.HSTS.encode()))
        return found

    def _over_tls(self, forwarded: bytes) -> bool:
        """By the entry of the outermost proxy that is trusted; what is before it a client could have written."""
        entries = [entry.strip() for entry in forwarded.split(b",")]
        return len(entries) >= self._proxies and entries[-self._proxies] == b"https"


def _lines(headers: Mapping[str, str]) -> Pairs:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
