"""The application: blueprints, limits, and what happens around every request.

`create_app` takes its stores, so that tests give it theirs; `create_app_from_env` is what our server calls, and
`create_flask_from_env` what another WSGI server may call instead.
Nothing connects before the first request, but for the look at the servers before a start outside the local mode.
"""

from __future__ import annotations

from flask import Flask, Response
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

from api import auth, bookings, changes, docs, halls, health, hooks, movies, rates, sessions, shows, tokens
from api.describe import ProblemApi
from api.envelope import Envelope
from api.health import PostgresProbe
from api.hotpath import HotPath
from api.listings import Listings
from api.logins import Logins
from api.revocations import Revocations
from api.seatmaps import SeatMaps
from api.stores import Stores, open_stores
from api.waiters import Waiters
from core import crashpoints, garbage, logs
from core.safety import refuse_unsafe
from core.settings import Settings
from db import guard
from db.guard import Guard
from db.rounds import Rounds
from workers import actors

#: A booking of ten seats has 200 bytes; hall plans have a limit of their own.
MAX_BODY_BYTES = 16 * 1024
EXPOSED = ["Location", "Retry-After", "ETag", "X-Request-Id", "RateLimit-Policy", "RateLimit"]
ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-Id"]
BLUEPRINTS = (auth, sessions, movies, halls, shows, changes, bookings, health, docs)


def create_app(settings: Settings, stores: Stores) -> Flask:
    """The application on the given stores."""
    app = Flask("onsale", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        API_TITLE="Onsale",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
    )
    app.extensions["onsale"] = stores
    app.extensions["onsale-listings"] = Listings()
    app.extensions["onsale-seatmaps"] = SeatMaps(stores.engine)
    app.extensions["onsale-postgres-probe"] = PostgresProbe(stores.engine)
    app.extensions["onsale-waiters"] = Waiters(settings.redis_url, settings.waiters, guard.for_redis(settings))
    # Its own: what accounts need does not go through the bookings' door.
    accounts = Rounds(settings.redis_url, questions=guard.for_redis(settings))
    app.extensions["onsale-accounts"] = accounts
    app.extensions["onsale-logins"] = Logins(accounts, settings)
    app.extensions["onsale-revocations"] = Revocations(accounts, stores.engine, settings.token_ttl_s)
    _behind_proxies(app, settings.trusted_proxies)
    _for_browsers(app, settings.cors_origins)
    hooks.install(app)
    rates.install(app, settings)
    tokens.install(app, settings)
    api = ProblemApi(app)
    for module in BLUEPRINTS:
        api.register_blueprint(module.blueprint)
    app.extensions["onsale-api"] = api
    return app


def close(app: Flask) -> None:
    """Close the application's connections, when what it does by itself has ended. Nothing may be asked any more."""
    app.extensions["onsale-postgres-probe"].close()
    app.extensions["onsale-accounts"].close()
    stores: Stores = app.extensions["onsale"]
    stores.door.close()
    stores.engine.dispose()


def create_app_from_env() -> HotPath:
    """The ASGI application of a server's process. Raises: ConfigurationError, also where it would not be safe."""
    app = create_flask_from_env()
    stores: Stores = app.extensions["onsale"]
    return in_front_of(app, stores.settings)


def create_flask_from_env() -> Flask:
    """The WSGI application of a server's process, for any WSGI server. Raises: as create_app_from_env."""
    settings = Settings.from_env()
    logs.configure(process="api", json=settings.log_json, level=settings.log_level)
    crashpoints.arm(settings.crash, settings.marker_ms / 1000)
    refuse_unsafe(settings)
    Guard(settings, "api").start()
    actors.open_broker(settings.broker_url)
    app = create_app(settings, open_stores(settings))
    app.extensions["onsale-revocations"].start()
    garbage.settle()
    return app


def in_front_of(app: Flask, settings: Settings) -> HotPath:
    """The ASGI application: the hot path, and Flask behind it."""
    envelope = Envelope(settings.cors_origins, EXPOSED, settings.trusted_proxies)
    return HotPath(app, envelope, threads=settings.api_threads, max_body=MAX_BODY_BYTES)


def _behind_proxies(app: Flask, proxies: int) -> None:
    """Believe the last so many X-Forwarded entries; with none of them, a client could write its own."""
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]


def _for_browsers(app: Flask, origins: tuple[str, ...]) -> None:
    """Let pages of these origins, and no others, call the API. Tokens come in a header, never as cookies."""
    if origins:
        CORS(
            app,
            resources={r"/api/*": {"origins": list(origins)}},
            expose_headers=EXPOSED,
            allow_headers=ALLOWED,
            max_age=600,
            always_send=False,
        )
        app.after_request(_vary)


def _vary(response: Response) -> Response:
    """Answers differ by Origin, also those to a page that is not allowed: no cache may give one to the other."""
    response.vary.add("Origin")
    return response
