"""The application: blueprints, limits, and the hooks around every request.

`create_app` takes its backend as an argument, so tests can pass their own. It connects to nothing before the first
request, and serves every route under any WSGI server. The processes of a server call `create_front_from_env` or
`create_flask_from_env` (__main__.py), which also check the servers and read the revoked tokens.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Flask

from api.access import tokens
from api.access.revocations import Revocations
from api.accounts import auth, enrolment, sessions
from api.accounts.login_limits import Logins
from api.admin import audit_log, caches, histories, lanes, parked, samples, show_figures, users, worker_count
from api.assembly import open_backend
from api.bookings import routes as bookings
from api.catalogue import (
    deletions,
    hall_import,
    halls,
    installation,
    movies,
    new_shows,
    posters,
    show_changes,
    shows,
)
from api.catalogue.catalogue_cache import PATIENCE_S, CatalogueCache
from api.catalogue.show_list import Listings
from api.front import Front
from api.pages import files as pages
from api.pages.files import Pages
from api.web import compression, docs, health, hooks, metrics, problems, rate_limits
from api.web.backend import Backend
from api.web.headers import ResponseHeaders
from api.web.openapi import ProblemApi
from api.web.proxies import BehindProxies
from api.web.refusal_counts import RefusalSender
from core import crash_points, gc_tuning, logs
from core.safety import refuse_unsafe
from core.settings import Settings
from db import guard
from db.guard import Guard
from db.kv.rounds import Rounds
from workers import actors

#: A booking of ten seats has 200 bytes; hall plans have their own limit.
MAX_BODY_BYTES = 16 * 1024
ADMIN = (audit_log, lanes, samples, show_figures, histories, users, parked, caches, worker_count)
CATALOGUE = (movies, posters, halls, hall_import, shows, new_shows, show_changes, deletions, installation)
BLUEPRINTS = (auth, sessions, enrolment, *CATALOGUE, bookings, *ADMIN, health, docs)


def create_app(settings: Settings, backend: Backend) -> Flask:
    """Return the application on the given backend."""
    app = Flask("onsale", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES)
    app.extensions["onsale"] = backend
    app.extensions["onsale-listings"] = Listings()
    # A separate connection: calls for accounts must not queue behind bookings.
    accounts = Rounds(settings.redis_url, questions=guard.for_redis(settings))
    app.extensions["onsale-accounts"] = accounts
    # Another one: an administrator's reads may be large.
    app.extensions["onsale-admin"] = Rounds(settings.redis_url, questions=guard.for_redis(settings))
    # And one that gives up soon: readers of the catalogue have Postgres.
    cache = Rounds(settings.redis_url, timeout_s=PATIENCE_S, questions=guard.for_redis(settings))
    app.extensions["onsale-catalogue"] = CatalogueCache(cache, settings.catalogue_cache_s)
    app.extensions["onsale-logins"] = Logins(accounts, settings)
    app.extensions["onsale-revocations"] = Revocations(accounts, backend.engine, settings.token_ttl_s)
    _behind_proxies(app, settings.trusted_proxies)
    hooks.install(app, ResponseHeaders(settings.cors_origins, settings.cors_headers))
    pages.install(app, Pages())
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
    """Close the application's connections and end its threads. It must not be used afterwards."""
    app.extensions["onsale-accounts"].close()
    app.extensions["onsale-admin"].close()
    app.extensions["onsale-catalogue"].close()
    backend: Backend = app.extensions["onsale"]
    backend.close()


def create_front_from_env() -> Front:
    """Return the RSGI application of a server process. Raises: ConfigurationError, also if it would be unsafe."""
    front = in_front_of(create_flask_from_env())
    gc_tuning.settle()
    return front


def create_flask_from_env() -> Flask:
    """Return the WSGI application of a server process. Raises: ConfigurationError, also if it would be unsafe."""
    settings = Settings.from_env()
    logs.configure(process="api", json=settings.log_json, level=settings.log_level)
    crash_points.arm(settings.crash, settings.lease_ms / 1000)
    refuse_unsafe(settings)
    Guard(settings, "api").start()
    actors.open_broker(settings.broker_url)
    app = create_app(settings, open_backend(settings))
    app.extensions["onsale-revocations"].start()
    RefusalSender(metrics.REFUSED, app.extensions["onsale-admin"]).start()
    return app


def in_front_of(app: Flask) -> Front:
    """Return the RSGI application: the front, with Flask behind it."""
    return Front(app, max_body=MAX_BODY_BYTES)


def _behind_proxies(app: Flask, proxies: int) -> None:
    """Trust exactly `proxies` hops of X-Forwarded-*; otherwise clients could spoof it."""
    if proxies:
        app.wsgi_app = BehindProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]
