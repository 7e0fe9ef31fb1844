"""The kill of one of Postgres's backends: chaos picks one that serves a client, and no other."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg

from proof.chaos.faults import FAULTS
from proof.kit.waiting import until
from tests.support.seeded import start_servers

#: As the api and the workers log in.
LOGINS = ("onsale_api_login", "onsale_worker_login")


def kill_one(leader: int) -> str:
    """Kill a backend of the Postgres with this leader; return what the nemesis would report."""

    async def family(_name: str) -> list[int]:
        return sorted([leader, *(child.pid for child in psutil.Process(leader).children(recursive=True))])

    async def run() -> str:
        deployment = SimpleNamespace(family=family)
        async with FAULTS["kill postgres backend"].harm(deployment, random.Random(1)) as words:  # type: ignore[arg-type]
            return words

    return asyncio.run(run())


def answers(client: psycopg.Connection[tuple[object, ...]]) -> bool:
    with suppress(psycopg.OperationalError):
        client.execute("SELECT 1")
        return True
    return False


def serves(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False


def test_the_backend_of_a_client_dies_whoever_is_logged_in(tmp_path: Path) -> None:
    with start_servers(tmp_path / "home", fsync=False) as servers:
        url = servers.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as owner:
            for login in LOGINS:
                owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'for this test alone'")
        clients = [psycopg.connect(url, user=login, password="for this test alone") for login in LOGINS]
        backends = {client.info.backend_pid for client in clients}

        words = kill_one(servers.postgres.pid)

        assert words in {f"backend {pid}" for pid in backends}
        deadline = time.monotonic() + 30
        for client in clients:  # Postgres ends them all, a moment later
            while answers(client):
                assert time.monotonic() < deadline, "its client still answers"
            client.close()
        # Postgres may forget a shutdown that is requested while it recovers from this.
        until(lambda: serves(url))


def test_without_clients_nothing_fires(tmp_path: Path) -> None:
    with start_servers(tmp_path / "home", fsync=False) as servers:
        assert kill_one(servers.postgres.pid) == ""
