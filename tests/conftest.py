"""Fixtures on real servers: one Postgres and one Valkey per pytest process, reset for each test.

The database is a copy of a template that holds the migrated schema; the tests of a process use it one after the
other (support/databases.py). Redis is emptied. Unit tests request none of these, so they start no server.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import redis
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from core.settings import Settings
from db import installation
from db.kv.rounds import Rounds, connection_pool
from db.postgres import fences
from db.postgres.engine import make_engine, transaction
from db.postgres.migrate import migrate
from proof.kit.servers import Servers
from tests.support import schedule, seeded, skips, threads
from tests.support.buyer import Buyer
from tests.support.databases import Databases, administer, url_of
from tests.support.factories import opened_app
from tests.support.seeded import start_servers
from tests.support.stage import Stage
from workers.stores import Stores, open_stores, use

LANES = 4
SECRET = "a secret for tests, long enough for HS256"

#: By server and template: some modules have a server of their own.
_databases: dict[tuple[str, str], Databases] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(skips, "skips")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=schedule.turn)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> schedule.ByFile | None:
    return schedule.ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="module", autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fail a file that leaves a thread of the product running. Set up before what the file shares, so it is last."""
    before = set(threading.enumerate())
    yield
    threads.expect_no_others(before)


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    """Restore the logging set-up: commands that a test calls log to streams of theirs, which are closed later."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def remove_seeds() -> Iterator[None]:
    """Remove the data folder that this process has copied its servers from (tests/support/seeded.py)."""
    yield
    seeded.forget()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with start_servers(tmp_path_factory.mktemp("home"), fsync=False) as started:
        yield started


def make_template(servers: Servers) -> str:
    """Create a database with the schema, the lanes and the installation; return its name."""
    administer(servers, "CREATE DATABASE template_onsale")
    engine = make_engine(url_of(servers, "template_onsale"), pool_size=1)
    migrate(engine)
    with transaction(engine) as connection:
        installation.create(connection, LANES)
        fences.create(connection, LANES)
    engine.dispose()
    return "template_onsale"


@pytest.fixture(scope="session")
def template(servers: Servers) -> str:
    return make_template(servers)


@pytest.fixture
def database_url(servers: Servers, template: str) -> Iterator[str]:
    key = (servers.database_url, template)
    databases = _databases[key] if key in _databases else _databases.setdefault(key, Databases(servers, template))
    with databases.one() as name:
        yield url_of(servers, name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url, pool_size=5)
    yield engine
    engine.dispose()


@pytest.fixture
def redis_url(servers: Servers) -> str:
    url = servers.redis_url(1)
    client = redis.Redis(connection_pool=connection_pool(url, socket_timeout_s=5))
    client.flushdb()
    client.close()
    return url


@pytest.fixture
def broker_url(servers: Servers) -> str:
    return servers.redis_url(2)


@pytest.fixture
def settings(database_url: str, redis_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": broker_url,
        "JWT_SECRET": SECRET,
        "LANES": str(LANES),
        "LINGER_MS": "0",
        # Required, as the test servers run without fsync, and the tests connect as the database's owner.
        "ONSALE_MODE": "local",
    }.items():
        monkeypatch.setenv(name, value)
    return Settings.from_env()


@pytest.fixture
def rounds(redis_url: str) -> Iterator[Rounds]:
    rounds = Rounds(redis_url)
    yield rounds
    rounds.close()


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """Open a worker's stores."""
    opened = open_stores(settings)
    use(opened)
    yield opened
    use(None)
    opened.close()


@pytest.fixture
def stage(stores: Stores) -> Stage:
    return Stage(stores)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with opened_app(settings) as made:
        yield made


@pytest.fixture
def make_app() -> Iterator[Callable[[Settings], Flask]]:
    """Return a function that makes applications with other settings; they are closed at the end."""
    with ExitStack() as made:
        yield lambda settings: made.enter_context(opened_app(settings))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def alice(app: Flask, client: FlaskClient) -> Buyer:
    return Buyer(app, client)


@pytest.fixture
def bob(app: Flask, client: FlaskClient) -> Buyer:
    return Buyer(app, client)
