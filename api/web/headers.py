"""The headers of every answer, on either transport: security, caching, CORS, HSTS, the request's id."""

from __future__ import annotations

from api.web.reply import IMMUTABLE, PAGE, PUBLIC, Reply

Pairs = list[tuple[str, str]]

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
PRIVATE = "no-store"
#: Two years, as preload lists require. Only over TLS, according to the trusted proxy in front (TRUSTED_PROXIES).
HSTS = "max-age=63072000; includeSubDomains"
#: CORS: response headers that pages may read, request headers they may send, and methods.
EXPOSED = (
    "Date",
    "ETag",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
ALLOWED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Request-Id",
)
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
PREFLIGHT_S = 600


def one_vary(headers: Pairs) -> Pairs:
    """Return headers with their Vary lines as one, as Flask sends them."""
    values = [value for name, value in headers if name == "Vary"]
    if len(values) < 2:
        return headers
    return [*(each for each in headers if each[0] != "Vary"), ("Vary", ", ".join(values))]


class ResponseHeaders:
    """Builds the headers of answers. All but those that depend on the request are built once, at the start."""

    def __init__(self, origins: tuple[str, ...], allowed: tuple[str, ...] = ()) -> None:
        """Args: origins: whose pages may read answers, "*": all.   allowed: further request headers they may send."""
        always = list(SECURITY.items())
        if origins:
            # Answers vary by Origin, also for an origin that is not allowed: caches must not mix them up.
            always.append(("Vary", "Origin"))
        self._private = [("Cache-Control", PRIVATE), *always]
        self._public = [("Cache-Control", PUBLIC), *always]
        self._immutable = [("Cache-Control", IMMUTABLE), *always]
        self._page = [*PAGE.items(), *(each for each in always if each[0] not in PAGE)]
        self._origins = frozenset(origins)
        self._exposed = ("Access-Control-Expose-Headers", ", ".join(EXPOSED))
        self._preflight = [
            ("Access-Control-Allow-Headers", ", ".join(sorted({*ALLOWED, *allowed}, key=str.lower))),
            ("Access-Control-Allow-Methods", ", ".join(METHODS)),
            ("Access-Control-Max-Age", str(PREFLIGHT_S)),
        ]

    def around(self, request_id: str, origin: str | None, *, tls: bool, reply: Reply | None = None) -> Pairs:
        """Return an answer's headers. `reply`: it says how long caches may keep it. `tls`: the client used https."""
        always = self._private
        if reply is not None and (reply.public or reply.immutable or reply.page):
            always = self._page if reply.page else self._immutable if reply.immutable else self._public
        found = [("X-Request-Id", request_id), *always]
        if origin is not None and (allowed := self._allowed(origin)):
            found += [("Access-Control-Allow-Origin", allowed), self._exposed]
        if tls:
            found.append(("Strict-Transport-Security", HSTS))
        return found

    def preflight(self, origin: str | None, requested: str | None) -> Pairs:
        """Return the headers that answer a CORS preflight; none if the origin is not allowed.

        Args: requested: the value of Access-Control-Request-Method.
        """
        return self._preflight if requested and origin is not None and self._allowed(origin) else []

    def _allowed(self, origin: str) -> str | None:
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins else None
