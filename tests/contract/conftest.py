"""Both transports as processes, each with separate Postgres and Redis databases, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.settings import Settings
from proof.kit.servers import Servers
from tests.contract.transports import COMMANDS, serving
from tests.contract.world import World, environment
from tests.support.databases import administer, url_of
from tests.support.stage import Stage
from tests.support.supervised import supervised
from workers.stores import open_stores

#: Redis databases that no other tests use.
FIRST_REDIS_DATABASE = 20


@contextmanager
def world_of(transport: str, servers: Servers, template: str) -> Iterator[World]:
    """Start a transport on an empty system, until the block ends."""
    database, number = f"contract_{transport}", FIRST_REDIS_DATABASE + 2 * list(COMMANDS).index(transport)
    administer(servers, f"CREATE DATABASE {database} TEMPLATE {template}")
    env = environment(url_of(servers, database), servers.redis_url(number), servers.redis_url(number + 1))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        stores = open_stores(Settings.from_env())
    stores.client.flushdb()
    try:
        with supervised() as control, serving(transport, {**env, "SUPERVISOR_SOCKET": str(control)}) as address:
            yield World(transport, address, Stage(stores))
    finally:
        stores.close()
        administer(servers, f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="session")
def front(servers: Servers, template: str) -> Iterator[World]:
    """The product's own server."""
    with world_of("front", servers, template) as world:
        yield world


@pytest.fixture(scope="session")
def wsgi(servers: Servers, template: str) -> Iterator[World]:
    """Flask alone, under another WSGI server."""
    with world_of("wsgi", servers, template) as world:
        yield world


@pytest.fixture(params=list(COMMANDS))
def world(request: pytest.FixtureRequest) -> World:
    """Each transport in turn."""
    found: World = request.getfixturevalue(request.param)
    return found
