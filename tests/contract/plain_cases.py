"""Cases of everything else: probes, metrics, documents, browsers, and unknown addresses and methods."""

from __future__ import annotations

from api.shapes import answers
from tests.contract import scenes
from tests.contract.case import JSON, Case
from tests.contract.world import ORIGIN

HTML, SCRIPT, STYLE = (f"text/{kind}; charset=utf-8" for kind in ("html", "javascript", "css"))
PROBE = {"Content-Type": JSON, "Content-Length": r"\d+", "Cache-Control": "no-store"}
HOUR = {"Cache-Control": "public, max-age=3600", "Content-Security-Policy": "default-src 'none'; script-src 'self'.*"}
#: Headers that scripts of a page may read, beyond those that browsers always expose.
EXPOSED = ("Date", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id")
PAGE = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Expose-Headers": "".join(rf"(?=.*\b{name}\b)" for name in EXPOSED) + ".*",
}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,idempotency-key",
}
ALLOWED = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Allow-Methods": "(?=.*POST).*",
    "Access-Control-Allow-Headers": "(?i)(?=.*authorization)(?=.*idempotency-key).*",
    "Access-Control-Max-Age": "600",
}


def get(name, path, **more):
    usual = {"method": "GET", "status": 200}
    return Case(**{"name": f"plain: {name}", "path": path} | usual | more)


def refused(name, path, status, code, **more):
    return get(name, path, **{"status": status, "code": code} | more)


def preflight(name, origin, has, path="/api/bookings"):
    lines = (("Origin", origin), *PREFLIGHT.items())
    return get(name, path, method="OPTIONS", headers=lines, has=has)


PROBES = (
    get("health", "/api/health", shape=answers.HEALTH, has=PROBE),
    get("healthz", "/healthz", shape=answers.LIVENESS, has=PROBE, says={"status": "ok"}),
    get("healthz, other names", "/healthz?x=1", has=PROBE),
    get("healthz, HEAD", "/healthz", method="HEAD", has=PROBE),
    get("readyz", "/readyz", shape=answers.READINESS, says={"status": "ready", "postgres": "ok"}, has=PROBE),
    get("metrics", "/metrics", has={"Content-Type": "text/plain; version=.*", "Cache-Control": "no-store"}),
)

DOCUMENTS = (
    get("docs", "/docs", has={**HOUR, "Content-Type": HTML}),
    get("docs, with a slash", "/docs/", has={**HOUR, "Content-Type": HTML}),
    get("docs, HEAD", "/docs", method="HEAD", has={**HOUR, "Content-Type": HTML, "Content-Length": r"\d+"}),
    get("docs, script", "/docs/start.js", has={**HOUR, "Content-Type": SCRIPT}),
    get("docs, style", "/docs/swagger-ui.css", has={**HOUR, "Content-Type": STYLE}),
    get("docs, library", "/docs/swagger-ui-bundle.js", has={**HOUR, "Content-Type": SCRIPT}),
    get("docs, picture", "/docs/favicon-32x32.png", has={**HOUR, "Content-Type": "image/png"}),
    refused("docs, nothing", "/docs/nothing", 404, "not_found"),
    refused("docs, a way out", "/docs/..%2F..%2Fetc%2Fpasswd", 404, "not_found"),
    get("openapi", "/openapi.json", says={"openapi": "3.1.0"},
        has={"Content-Type": JSON, "Cache-Control": "public, max-age=60"}),
)  # fmt: skip

BROWSERS = (
    get("page", "/api/movies?limit=1", headers=(("Origin", ORIGIN),), has=PAGE),
    get("page, a booking", "/api/bookings/{booking}", headers=(("Origin", ORIGIN),), has=PAGE,
        scene=scenes.confirmed, who="token"),
    refused("page, a problem", "/api/movies/x", 404, "not_found", headers=(("Origin", ORIGIN),), has=PAGE),
    refused("page, refused without a token", "/api/bookings/{booking}", 401, "token_missing", has=PAGE,
            headers=(("Origin", ORIGIN),)),
    get("another page", "/api/movies?limit=1", headers=(("Origin", "https://evil.example"),)),
    get("no page", "/api/movies?limit=1", headers=(("Origin", "null"),)),
    preflight("preflight", ORIGIN, ALLOWED),
    preflight("preflight, a status", ORIGIN, ALLOWED | {"Access-Control-Allow-Methods": "(?=.*GET).*"},
              "/api/bookings/00000001-0000-8000-8000-000000000000"),
    preflight("preflight of another page", "https://evil.example", {}),
    get("options", "/api/bookings", method="OPTIONS", has={"Allow": "(OPTIONS, POST|POST, OPTIONS)"}),
    get("TLS", "/healthz", headers=(("X-Forwarded-Proto", "https"),),
        has={"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}),
    get("no TLS", "/healthz", headers=(("X-Forwarded-Proto", "http"),)),
    get("TLS before the proxy that is trusted", "/healthz", headers=(("X-Forwarded-Proto", "https, http"),)),
)  # fmt: skip

NOWHERE = (
    refused("nothing", "/nothing", 404, "not_found"),
    refused("two slashes", "/api//bookings", 404, "not_found"),
    refused("capitals", "/API/movies", 404, "not_found"),
    refused("beyond ASCII", "/api/%E2%82%AC", 404, "not_found"),
    refused("half a character", "/api/%E2%82", 404, "not_found"),
    refused("a zero", "/api/%00", 404, "not_found"),
    refused("a percent sign", "/api/%zz", 404, "not_found"),
    refused("GET of bookings", "/api/bookings", 405, "method_not_allowed",
            has={"Allow": "(OPTIONS, POST|POST, OPTIONS)"}),
    refused("PUT of a booking", "/api/bookings/{booking}", 405, "method_not_allowed", method="PUT",
            has={"Allow": "(?=.*GET)(?=.*DELETE)(?=.*HEAD)(?!.*PATCH).*"}),
    refused("a method that is none", "/healthz", 405, "method_not_allowed", method="BREW",
            has={"Allow": "(?=.*GET).*"}),
)  # fmt: skip

CASES = (*PROBES, *DOCUMENTS, *BROWSERS, *NOWHERE)
