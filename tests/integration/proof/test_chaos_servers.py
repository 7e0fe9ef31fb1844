"""Chaos does to the servers what it reports, and undoes it when it heals."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import psycopg
import pytest
import redis
from psycopg.errors import ReadOnlySqlTransaction

from core.operations import StreamId
from db.kv import keys
from proof.chaos.faults import FAULTS
from proof.chaos.unguarded_clients import valkey
from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.support.seeded import start_servers

LOGINS = ("onsale_api_login", "onsale_worker_login")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that no other test uses: these faults affect whole servers."""
    with start_servers(tmp_path_factory.mktemp("home"), fsync=False) as servers:
        yield servers


class FakeDeployment:
    """As much of a deployment as these faults need."""

    def __init__(self, servers: Servers) -> None:
        self.home = servers.home
        self.running = SimpleNamespace(database_url=servers.database_url)
        self.ahead: set[int] = set()
        self.went_back: list[Any] = []
        self.links: list[Any] = []
        self.beside: list[subprocess.Popen[bytes]] = []
        self._servers = servers

    def redis(self, *, decode: bool = True) -> redis.Redis:
        return valkey(self._servers.redis_url(), decode=decode)

    broker = redis

    async def pids(self, name: str) -> list[int]:
        return [getattr(self._servers, name).pid]

    async def family(self, name: str) -> list[int]:
        [leader] = await self.pids(name)
        return sorted([leader, *(child.pid for child in psutil.Process(leader).children(recursive=True))])

    def links_of(self, role: str, _server: str) -> list[Any]:
        return [link for link in self.links if link.role == role]

    def start(self, command: list[str]) -> None:
        self.beside.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True))


def harmed(
    deployment: FakeDeployment, name: str, meanwhile: Callable[[], object] = lambda: None, seed: int = 1
) -> str:
    """Cause a fault, check its effect, and heal it; return what the nemesis would report."""

    async def run() -> str:
        async with FAULTS[name].harm(deployment, random.Random(seed)) as words:  # type: ignore[arg-type]
            await asyncio.to_thread(meanwhile)
            return words

    return asyncio.run(run())


def writes(client: psycopg.Connection[Any]) -> bool:
    try:
        client.execute("CREATE TABLE IF NOT EXISTS written (number integer)")
        return True
    except ReadOnlySqlTransaction:
        return False


def test_postgres_is_read_only_for_sessions_that_are_open_and_then_no_longer(own: Servers) -> None:
    with psycopg.connect(own.database_url.replace("+psycopg", ""), autocommit=True) as client:
        assert writes(client)

        assert harmed(FakeDeployment(own), "demote postgres", lambda: until(lambda: not writes(client)))

        until(lambda: writes(client))


def test_a_session_of_an_old_primary_stays_read_only_and_a_new_one_is_not(own: Servers) -> None:
    url = own.database_url.replace("+psycopg", "")

    def log_in() -> psycopg.Connection[Any]:
        return psycopg.connect(url, user=LOGINS[0], password="for this test alone", autocommit=True)

    with psycopg.connect(url, autocommit=True) as owner:
        for login in LOGINS:
            owner.execute(f"CREATE ROLE {login} LOGIN SUPERUSER PASSWORD 'for this test alone'")
    before, kept = log_in(), list[psycopg.Connection[Any]]()

    def meanwhile() -> None:
        with pytest.raises(psycopg.OperationalError):
            until(lambda: not writes(before))
        kept.append(log_in())
        assert not writes(kept[0])

    assert harmed(FakeDeployment(own), "old primary postgres", meanwhile) == "1 sessions ended"

    with log_in() as after:
        assert writes(after)
    assert not writes(kept[0])
    kept[0].close()


@pytest.mark.parametrize("name", ["redis", "broker"])
def test_a_valkey_without_memory_refuses_writes_and_takes_them_again(own: Servers, name: str) -> None:
    deployment = FakeDeployment(own)
    client = deployment.redis()

    def meanwhile() -> None:
        with pytest.raises(redis.OutOfMemoryError):
            client.set("key", "value")

    assert harmed(deployment, f"full memory {name}", meanwhile)

    assert client.set("key", "value")


@pytest.mark.parametrize(("seed", "reads"), [(1, True), (0, False)])
def test_redis_is_a_replica_of_nobody_and_then_itself_again(own: Servers, seed: int, reads: bool) -> None:
    deployment = FakeDeployment(own)
    client = deployment.redis()
    client.set("key", "value")

    def meanwhile() -> None:
        with pytest.raises(redis.exceptions.ReadOnlyError):
            client.set("key", "other")
        assert masterdown(client) is not reads

    words = harmed(deployment, "demote redis", meanwhile, seed)

    assert words == ("READONLY" if reads else "READONLY, MASTERDOWN")
    assert client.get("key") == "value"
    assert client.set("key", "other")


def test_ways_to_an_old_primary_lead_back_and_it_lives_on(own: Servers) -> None:
    deployment = FakeDeployment(own)
    usual, resets = Path("usual"), list[int]()
    deployment.links = [
        SimpleNamespace(role=role, upstream=usual, reset=lambda: resets.append(1)) for role in ("api", "worker")
    ]
    kept = list[redis.Redis]()

    def meanwhile() -> None:
        [path] = {link.upstream for link in deployment.links}
        kept.append(redis.Redis(unix_socket_path=str(path)))
        until(lambda: masterdown(kept[0]))

    try:
        assert harmed(deployment, "old primary redis", meanwhile) == "2 links"

        assert {link.upstream for link in deployment.links} == {usual}
        assert len(resets) == 2
        assert masterdown(kept[0])
    finally:
        for process in deployment.beside:
            process.kill()
            process.wait()


def masterdown(client: redis.Redis) -> bool:
    try:
        client.get("key")
    except redis.exceptions.MasterDownError:
        return True
    except redis.ConnectionError:  # it is starting
        pass
    return False


def test_the_next_ids_of_one_lane_are_ahead(own: Servers) -> None:
    deployment = FakeDeployment(own)
    client = deployment.redis()
    for lane in range(4):
        client.xtrim(keys.lane(lane), minid=client.xadd(keys.lane(lane), {"o": "1"}))

    harmed(deployment, "clock ahead")

    [lane] = deployment.ahead
    ahead_ms = StreamId.parse(str(client.xadd(keys.lane(lane), {"o": "1"}))).ms - time.time() * 1000
    assert 100_000 < ahead_ms <= 300_000
    assert StreamId.parse(str(client.xadd(keys.lane((lane + 1) % 4), {"o": "1"}))).ms - time.time() * 1000 < 1_000


def test_redis_is_as_it_was_and_connections_end(own: Servers) -> None:
    deployment = FakeDeployment(own)
    client = deployment.redis()
    client.set("kept", "first", px=60_000)
    connection = client.client_id()

    words = harmed(deployment, "failover redis")

    [back] = deployment.went_back
    assert " keys of " in words
    assert back.back_to < back.begun < back.ended
    assert client.client_id() != connection
    assert client.get("kept") == "first"
    assert 0 < client.pttl("kept") <= 60_000
