"""Servers that are demoted while we run: connections leave them, and work continues once writes are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import Engine, text

from api.bookings import long_poll
from api.bookings.long_poll import LongPolls
from core.errors import AcceptUnknown, PostgresUnavailable, RedisUnavailable
from db.kv import keys
from db.kv.async_rounds import AsyncRounds
from db.kv.rounds import Rounds, connection_pool
from db.postgres.engine import execute, make_engine, transaction
from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.support.buyer import Buyer, answered, refused
from tests.support.databases import administer
from tests.support.relay import Relay, relay
from tests.support.stage import Stage
from tests.support.valkey import Valkey, valkey

AWAY = (RedisUnavailable, AcceptUnknown, redis.RedisError)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path / "old") as started:
        yield started


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path / "new") as started:
        yield started


@pytest.fixture
def address(old: Valkey) -> Iterator[Relay]:
    """A proxy that leads to the old server."""
    with relay(old.socket) as opened:
        yield opened


@pytest.fixture
def redis_url(address: Relay) -> str:
    return f"redis://127.0.0.1:{address.port}/1"


class TestReaders:
    """Each kind of connection to Redis, with reads only, which a replica does not refuse."""

    @pytest.fixture(params=["threads", "loop", "client", "broker"])
    def read(self, request: pytest.FixtureRequest, redis_url: str) -> Iterator[Callable[[], Any]]:
        """Return the value of `where`."""
        if request.param == "threads":
            rounds = Rounds(redis_url)
            yield lambda: rounds.call([("GET", "where")], writes=False)[0]
            rounds.close()
        elif request.param == "loop":
            with asyncio.Runner() as runner:
                loop_rounds = AsyncRounds(redis_url)
                yield lambda: runner.run(loop_rounds.call([("GET", "where")], writes=False))[0]
                runner.run(loop_rounds.close())
        else:
            decode = request.param == "client"
            client = redis.Redis(connection_pool=connection_pool(redis_url, socket_timeout_s=2, decode=decode))
            yield lambda: value if isinstance(value := client.get("where"), str) or value is None else value.decode()
            client.close()

    def test_a_connection_that_only_reads_leaves_a_demoted_server_too(
        self, read: Callable[[], Any], old: Valkey, new: Valkey, address: Relay
    ) -> None:
        old.client.set("where", "old")
        new.client.set("where", "new")
        assert read() == "old"

        old.demote()
        address.upstream = new.socket

        until(lambda: _or_none(read) == "new")

    def test_a_demoted_server_is_unavailable_and_used_again_when_it_is_promoted(
        self, read: Callable[[], Any], old: Valkey
    ) -> None:
        old.demote()
        with pytest.raises(AWAY):
            read()

        old.promote()
        assert read() is None


class TestBookings:
    """The whole path, api and worker."""

    def test_bookings_flow_again_when_the_address_leads_to_the_new_master(
        self, stage: Stage, alice: Buyer, old: Valkey, new: Valkey, address: Relay
    ) -> None:
        show = stage.show()
        answered(alice.book(show, "A1"), 202)
        assert stage.drain(show) == 1

        old.demote()
        address.upstream = new.socket

        until(lambda: alice.book(show, "A2", key="a2").status_code == 202)
        until(lambda: stage.drain(show) == 1)
        assert answered(alice.book(show, "A2", key="a2"), 200)["status"] == "CONFIRMED"

    def test_with_a_demoted_master_nothing_is_accepted_and_nothing_stale_is_returned(
        self, stage: Stage, alice: Buyer, old: Valkey
    ) -> None:
        show = stage.show()
        id_ = answered(alice.book(show, "A1"), 202)["id"]

        old.demote()
        until(lambda: alice.get(id_).status_code == 503)
        refused(alice.book(show, "A2"), 503, "redis_unavailable")
        assert stage.drain(show) == 0

        old.promote()
        answered(alice.book(show, "A2"), 202)
        assert stage.drain(show) == 2

    def test_long_polls_are_woken_by_the_new_master(
        self, redis_url: str, old: Valkey, new: Valkey, address: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(long_poll, "RENEW_S", 0.2)
        id_, woken = uuid4(), Event()
        listening = LongPolls(redis_url, slots=1)
        assert listening.take_slot(id_, woken.set)
        until(woken.is_set)  # it has subscribed

        old.demote()
        address.upstream = new.socket

        until(lambda: new.client.publish(keys.DECIDED, id_.hex))
        listening.close()


class TestPostgres:
    """A server that takes no writes: since a moment ago, or already when we connect."""

    @pytest.mark.parametrize("pre_ping", [True, False])
    @pytest.mark.parametrize("through", ["the driver", "SQLAlchemy"])
    def test_a_session_that_may_only_read_is_left(self, engine: Engine, through: str, pre_ping: bool) -> None:
        """One failure has all connections of the pool replaced, because they lead to the same server."""
        own = make_engine(engine.url.render_as_string(hide_password=False), pool_size=3, pre_ping=pre_ping)

        def write() -> None:
            with transaction(own) as connection:
                if through == "SQLAlchemy":
                    connection.execute(text("UPDATE lanes SET seq = seq"))
                else:
                    execute(connection, "UPDATE lanes SET seq = seq", {})

        with transaction(own) as one, transaction(own) as two, transaction(own) as three:
            for each in (one, two, three):
                each.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))

        with pytest.raises(PostgresUnavailable, match="read-only"):
            write()
        for _ in range(3):
            write()
        own.dispose()

    def test_a_server_that_takes_no_writes_is_not_connected_to(
        self, stage: Stage, servers: Servers, database_url: str
    ) -> None:
        show = stage.show()
        stage.stores.check_installation()
        name = stage.stores.engine.url.database
        stage.book(show, "A1")
        stage.stores.engine.dispose()

        administer(servers, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(PostgresUnavailable, match="read-only"), transaction(stage.stores.engine):
            pass
        assert stage.drain(show) == 0
        # A process that only reads may use a replica.
        replica = make_engine(database_url, pool_size=1, writes=False)
        with transaction(replica) as connection:
            assert connection.execute(text("SELECT count(*) FROM lanes")).scalar()
        replica.dispose()

        administer(servers, f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        until(lambda: stage.drain(show) == 1)

    def test_a_server_that_becomes_read_only_and_writable_again_is_used_again(
        self, stage: Stage, servers: Servers
    ) -> None:
        show = stage.show()
        stage.book(show, "A1")
        assert stage.drain(show) == 1
        stage.book(show, "A2")

        try:
            administer(servers, "ALTER SYSTEM SET default_transaction_read_only = on")
            administer(servers, "SELECT pg_reload_conf()")
            until(lambda: _refuses(stage.stores.engine))
            assert stage.drain(show) == 0
        finally:
            administer(servers, "ALTER SYSTEM RESET default_transaction_read_only")
            administer(servers, "SELECT pg_reload_conf()")

        until(lambda: stage.drain(show) == 1)

    def test_what_a_pooler_has_forgotten_is_prepared_again(self, database_url: str) -> None:
        own = make_engine(database_url, pool_size=1, pre_ping=False)
        for _ in range(10):  # psycopg prepares frequent statements
            with transaction(own) as connection:
                execute(connection, "SELECT lane FROM lanes WHERE lane = :lane", {"lane": 1})
        with transaction(own) as connection:
            driver: Any = connection.connection.driver_connection
            driver.pgconn.exec_(b"DEALLOCATE ALL")

        with pytest.raises(PostgresUnavailable, match="prepared statement"), transaction(own) as connection:
            execute(connection, "SELECT lane FROM lanes WHERE lane = :lane", {"lane": 1})
        with transaction(own) as connection:
            execute(connection, "SELECT lane FROM lanes WHERE lane = :lane", {"lane": 1})
        own.dispose()


def _refuses(engine: Engine) -> bool:
    try:
        with transaction(engine) as connection:
            execute(connection, "SELECT 1 FROM lanes FOR UPDATE", {})
    except PostgresUnavailable:
        return True
    return False


def _or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except AWAY:
        return None
