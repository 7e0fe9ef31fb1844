"""The hooks around every request in Flask: request id, common headers, a log line and a metrics observation.

Nothing here may call a store. The front (front.py) answers with the same headers; it writes no log line.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import secrets
import time
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request

from api.web import metrics
from api.web.headers import ResponseHeaders
from core import logs

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Request ids are not secret: a random prefix per process and a counter.
_prefix = secrets.token_hex(5)
_numbers = itertools.count(1)

log = logs.logger(__name__)
_levels = logging.getLogger(__name__)


def _begin_process() -> None:
    """Choose another prefix: this process has been forked from one that has imported this module."""
    global _prefix
    _prefix = secrets.token_hex(5)


os.register_at_fork(after_in_child=_begin_process)


def install(app: Flask, headers: ResponseHeaders) -> None:
    """Install the hooks around every request of the application."""
    app.extensions["onsale-response-headers"] = headers
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)


def request_id(given: str) -> str:
    """Return the id of a request: the client's if it is well-formed, else a new one."""
    return given if given and REQUEST_ID.fullmatch(given) else f"{_prefix}{next(_numbers):x}"


def _begin() -> None:
    g.request_id = request_id(request.headers.get("X-Request-Id", ""))
    g.started = time.perf_counter()
    logs.bind(request_id=g.request_id)


def _finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    _add_headers(response)
    rule, method, status = request.url_rule, request.method, response.status_code
    if method not in metrics.METHODS:  # clients may send any
        method = "other"
    metrics.observe(rule.rule if rule else g.get("route", "(none)"), method, status, seconds)
    reads = method in READS
    if not reads or _levels.isEnabledFor(logging.DEBUG):
        line = log.debug if reads else log.info
        line("request", method=method, path=quote(request.path), status=status, ms=round(seconds * 1000, 1))
    return response


def _add_headers(response: Response) -> None:
    headers: ResponseHeaders = current_app.extensions["onsale-response-headers"]
    # CORS is for the API's paths only.
    origin = request.headers.get("Origin") if request.path.startswith("/api/") else None
    tls = request.environ["wsgi.url_scheme"] == "https"
    around = headers.around(g.request_id, origin, tls=tls)
    if request.method == "OPTIONS":
        around += headers.preflight(origin, request.headers.get("Access-Control-Request-Method"))
    for name, value in around:
        if name == "Vary":
            response.vary.add(value)
        elif name not in response.headers:
            response.headers.add(name, value)


def _end(_error: BaseException | None) -> None:
    logs.unbind()
