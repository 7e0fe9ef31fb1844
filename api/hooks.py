"""What happens around every request of Flask's: its id, security headers, one log line, one observation.

Nothing here may touch a store. The hot path (hotpath.py) does the same by itself, but for the log line.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from urllib.parse import quote

from flask import Flask, Response, g, request

from api import metrics
from core import logs

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Clients invent others; each would be a new label and a strange log line.
METHODS = READS | {"POST", "PUT", "PATCH", "DELETE"}
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
#: For two years, as preload lists ask. Only over TLS, which the proxy in front tells (TRUSTED_PROXIES).
HSTS = "max-age=63072000; includeSubDomains"

#: A request id is no secret: the process's own letters and a number.
_PROCESS = secrets.token_hex(5)
_numbers = itertools.count(1)

log = logs.logger(__name__)
_levels = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Run these around every request of the application."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)


def request_id(given: str) -> str:
    """The id of a request: the client's own if it is sane, else a new one."""
    return given if given and REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_numbers):x}"


def _begin() -> None:
    g.request_id = request_id(request.headers.get("X-Request-Id", ""))
    g.started = time.perf_counter()
    logs.bind(request_id=g.request_id)


def _finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    headers = response.headers
    headers.add("X-Request-Id", g.request_id)
    for name, value in SECURITY_HEADERS.items():
        if name not in headers:
            headers.add(name, value)
    if request.environ["wsgi.url_scheme"] == "https":
        headers.add("Strict-Transport-Security", HSTS)
    rule, method, status = request.url_rule, request.method, response.status_code
    if method not in METHODS:
        method = "other"
    metrics.observe(rule.rule if rule else "(none)", method, status, seconds)
    reads = method in READS
    if not reads or _levels.isEnabledFor(logging.DEBUG):
        line = log.debug if reads else log.info
        line("request", method=method, path=quote(request.path), status=status, ms=round(seconds * 1000, 1))
    return response


def _end(_error: BaseException | None) -> None:
    logs.unbind()
