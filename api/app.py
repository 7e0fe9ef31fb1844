"""The application: blueprints, limits, and what happens around every request.

`create_app` takes its backend, so that tests give it theirs. It serves every route under any WSGI server;
`create_front_from_env` and `create_flask_from_env` are what a server's process calls (__main__.py).
Nothing connects before the first request, but for the look at the servers before a start outside the local mode.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask

from api.access import tokens
from api.access.revocations import Revocations
from api.accounts import auth, sessions
from api.accounts.login_limits import Logins
from api.assembly import open_backend
from api.bookings import routes as bookings
from api.catalogue import halls, movies, show_changes, shows
from api.catalogue.show_list import Listings
from api.front import Front
from api.web import compression, docs, health, hooks, problems, rate_limits
from api.web.backend import Backend
from api.web.headers import ResponseHeaders
from api.web.openapi import ProblemApi
from api.web.proxies import BehindProxies
from core import crash_points, gc_tuning, logs
from core.safety import refuse_unsafe
from core.settings import Settings
from db import guard
from db.guard import Guard
from db.kv.rounds import Rounds
from workers import actors

#: A booking of ten seats has 200 bytes; hall plans have a limit of their own.
MAX_BODY_BYTES = 16 * 1024
BLUEPRINTS = (auth, sessions, movies, halls, shows, show_changes, bookings, health, docs)


def create_app(settings: Settings, backend: Backend) -> Flask:
    """The application on the given backend."""
    app = Flask("onsale", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES)
    app.extensions["onsale"] = backend
    app.extensions["onsale-listings"] = Listings()
    # Its own: what accounts need does not go through the connection of bookings.
    accounts = Rounds(settings.redis_url, questions=guard.for_redis(settings))
    app.extensions["onsale-accounts"] = accounts
    app.extensions["onsale-logins"] = Logins(accounts, settings)
    app.extensions["onsale-revocations"] = Revocations(accounts, backend.engine, settings.token_ttl_s)
    _behind_proxies(app, settings.trusted_proxies)
    hooks.install(app, ResponseHeaders(settings.cors_origins, settings.cors_headers))
    compression.install(app)
    docs.install(app, document)
    rate_limits.install(app, settings)
    tokens.install(app, settings)
    problems.install(app)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    return app


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document. It takes as long to make as the application: it is made when it is first read.

    No setting changes it, so it is the same for every application of a process. Nobody may change it.
    """
    described = Flask("onsale", static_folder=None)
    described.config.update(API_TITLE="Onsale", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = ProblemApi(described)
    for module in BLUEPRINTS:
        api.register_blueprint(module.blueprint)
    document: dict[str, Any] = api.spec.to_dict()
    return document


def close(app: Flask) -> None:
    """Close the application's connections, when what it does by itself has ended. Nothing may be asked any more."""
    app.extensions["onsale-accounts"].close()
    backend: Backend = app.extensions["onsale"]
    backend.close()


def create_front_from_env() -> Front:
    """The RSGI application of a server's process. Raises: ConfigurationError, also where it would not be safe."""
    front = in_front_of(create_flask_from_env())
    gc_tuning.settle()
    return front


def create_flask_from_env() -> Flask:
    """The WSGI application of a server's process. Raises: ConfigurationError, also where it would not be safe."""
    settings = Settings.from_env()
    logs.configure(process="api", json=settings.log_json, level=settings.log_level)
    crash_points.arm(settings.crash, settings.lease_ms / 1000)
    refuse_unsafe(settings)
    Guard(settings, "api").start()
    actors.open_broker(settings.broker_url)
    app = create_app(settings, open_backend(settings))
    app.extensions["onsale-revocations"].start()
    return app


def in_front_of(app: Flask) -> Front:
    """The RSGI application: the front, and Flask behind it."""
    return Front(app, max_body=MAX_BODY_BYTES)


def _behind_proxies(app: Flask, proxies: int) -> None:
    """Trust so many proxies in front; with none, every X-Forwarded header may be the client's own."""
    if proxies:
        app.wsgi_app = BehindProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]
