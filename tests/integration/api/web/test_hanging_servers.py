"""Servers that hang: they neither close connections nor answer. Our own timeouts end every call (docs/operations.md).

SLACK_S allows for a busy machine; the documented times do not include it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import psutil
import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from api.assembly import LOCK_TIMEOUT_MS, POOL_SIZE, STATEMENT_TIMEOUT_MS
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from db.kv import keys, lanes
from db.kv.async_rounds import AsyncRounds
from db.kv.lanes import Head
from db.postgres.engine import allow, make_engine, transaction
from db.postgres.patience import MARGIN_S, PING_S
from ops.up.folders import open_folders, remove
from ops.up.servers import broker_server
from proof.kit.servers import THAW_S, Servers, TestServer
from proof.kit.waiting import until
from tests.conftest import make_template
from tests.support.buyer import Buyer, answered, refused
from tests.support.seeded import start_servers
from tests.support.stage import Stage
from tests.support.valkey import Valkey, valkey
from workers.actors import ring
from workers.broker import broker, open_broker

SLACK_S = 2.0
#: Seconds, as docs/operations.md states them.
REQUEST_S, STATEMENT_S, REDIS_S, DOORBELL_S = 5.0, 3.0, 5.0, 3.0


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < limit_s + SLACK_S


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Servers, str]]:
    """Servers that the tests may freeze, and the template database of theirs."""
    with start_servers(tmp_path_factory.mktemp("own"), fsync=False) as started:
        yield started, make_template(started)


class TestPostgres:
    @pytest.fixture
    def servers(self, mine: tuple[Servers, str]) -> Servers:
        return mine[0]

    @pytest.fixture
    def template(self, mine: tuple[Servers, str]) -> str:
        return mine[1]

    def test_no_request_waits_for_it_longer_than_stated(
        self, stage: Stage, alice: Buyer, client: FlaskClient, servers: Servers
    ) -> None:
        warm, cold = stage.show(), stage.show()
        answered(alice.book(warm, "A1"), 202)
        stage.stores.client.delete(keys.card(cold % 4, cold))
        with ThreadPoolExecutor(16) as threads:
            for each in [threads.submit(client.get, f"/api/shows/{warm}") for _ in range(32)]:
                assert each.result().status_code == 200  # the pool is full of connections that live

            def ask(number: int) -> None:
                with within(REQUEST_S):
                    if number % 2:
                        refused(alice.book(cold, "A1"), 503, "postgres_unavailable")
                    else:
                        assert client.get("/api/movies").status_code == 503

            with servers.postgres.frozen():
                for done in [threads.submit(ask, number) for number in range(16)]:
                    done.result()
                with within(0):  # by now it is known not to answer
                    for number in range(32):
                        ask(number)
                answered(alice.book(warm, "A2"), 202)

        until(lambda: client.get("/api/movies").status_code == 200)
        answered(alice.book(cold, "A1"), 202)

    def test_a_statement_ends_by_our_own_clock(self, database_url: str, servers: Servers) -> None:
        engine = make_engine(
            database_url,
            pool_size=POOL_SIZE,
            statement_timeout_ms=STATEMENT_TIMEOUT_MS,
            lock_timeout_ms=LOCK_TIMEOUT_MS,
        )

        def freeze_in_the_middle() -> None:
            with transaction(engine) as connection:
                connection.execute(text("SELECT 1"))
                with servers.postgres.frozen():
                    connection.execute(text("SELECT 1"))

        with within(STATEMENT_S), pytest.raises(PostgresUnavailable, match="in time"):
            freeze_in_the_middle()

        until(lambda: _answers(engine))
        engine.dispose()

    def test_a_hanging_connection_is_replaced_before_use(self, database_url: str) -> None:
        engine = make_engine(database_url, pool_size=1)
        with transaction(engine) as connection:
            backend = psutil.Process(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        late = Timer(THAW_S, backend.resume)
        late.start()
        backend.suspend()
        try:
            with within(PING_S), transaction(engine) as connection:
                assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != backend.pid
        finally:
            late.cancel()
            backend.resume()
            engine.dispose()

    def test_a_transaction_may_be_given_more_time_and_the_next_has_the_usual(self, database_url: str) -> None:
        engine = make_engine(database_url, pool_size=1, statement_timeout_ms=100)
        slow = text("SELECT pg_sleep(1.5)")  # longer than our own timeout, too

        with transaction(engine) as connection:
            allow(connection, statement_timeout_ms=10_000)
            connection.execute(slow)
        with pytest.raises(PostgresUnavailable, match="statement timeout"), transaction(engine) as connection:
            connection.execute(slow)
        with transaction(engine) as connection:
            driver: Any = connection.connection.driver_connection
            assert driver.patience_s == 0.1 + MARGIN_S
        engine.dispose()

    def test_a_drain_that_hangs_in_its_transaction_ends_and_the_lane_continues(
        self, stage: Stage, database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        show = stage.show()
        stage.stores.check_installation()
        stage.book(show, "A1")
        stage.stores.engine.dispose()
        stage.stores.engine = make_engine(
            database_url, pool_size=2, statement_timeout_ms=1_000, pre_ping=False, by_key=True
        )
        peek, freezing = lanes.peek, ExitStack()

        def peek_and_freeze(client: redis.Redis, lane: int, limit: int) -> Head:
            freezing.enter_context(servers.postgres.frozen())
            return peek(client, lane, limit)

        with monkeypatch.context() as patch, freezing, within(2.0):
            patch.setattr(lanes, "peek", peek_and_freeze)
            assert stage.drain(show) == 0

        until(lambda: stage.drain(show) == 1)
        stage.proven()


def _answers(engine: Engine) -> bool:
    try:
        with transaction(engine):
            return True
    except PostgresUnavailable:
        return False


class TestRedis:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[Valkey]:
        with valkey(tmp_path / "own") as started:
            yield started

    @pytest.fixture
    def redis_url(self, own: Valkey) -> str:
        return own.server.url

    def test_no_request_waits_for_it_longer_than_stated(self, stage: Stage, alice: Buyer, own: Valkey) -> None:
        show = stage.show()
        id_ = answered(alice.book(show, "A1"), 202)["id"]
        with ThreadPoolExecutor(16) as threads, own.server.frozen():

            def ask(number: int) -> None:
                with within(REDIS_S):
                    answer = alice.book(show, f"A{number % 5 + 1}") if number % 2 else alice.get(id_)
                    assert answer.get_json()["code"] in ("redis_unavailable", "accept_unknown")

            for done in [threads.submit(ask, number) for number in range(32)]:
                done.result()

        until(lambda: alice.get(id_).status_code == 200)

    def test_the_event_loop_waits_no_longer_than_stated(self, own: Valkey) -> None:
        async def ask() -> None:
            rounds = AsyncRounds(own.server.url)
            assert await rounds.call([("PING",)], writes=False) == ["PONG"]
            with own.server.frozen():
                for _ in range(2):  # on a connection that is there, and on a new one
                    with within(3.0), pytest.raises((RedisUnavailable, AcceptUnknown)):
                        await rounds.call([("SET", "a", "b")], writes=True)
            assert await rounds.call([("PING",)], writes=False) == ["PONG"]
            await rounds.close()

        asyncio.run(ask())

    def test_a_drain_ends(self, stage: Stage, own: Valkey) -> None:
        show = stage.show()
        stage.book(show, "A1")
        assert stage.drain(show) == 1
        stage.book(show, "A2")

        with own.server.frozen(), within(6.0):
            assert stage.drain(show) == 0

        until(lambda: stage.drain(show) == 1)


class TestBroker:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[TestServer]:
        server = TestServer(broker_server(open_folders((tmp_path / "own").resolve()), "wheels"))
        server.start()
        before = broker.client.connection_pool
        open_broker(server.url)
        yield server
        broker.client.connection_pool.disconnect()
        broker.client.connection_pool = before
        server.kill()
        remove((tmp_path / "own").resolve())

    def test_a_doorbell_waits_no_longer_than_stated(self, own: TestServer) -> None:
        ring(1)
        with own.frozen():
            for _ in range(2):  # on a connection that is there, and on a new one
                with within(DOORBELL_S):
                    ring(1)
