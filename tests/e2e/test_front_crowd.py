"""With ten thousand connections idle or waiting, new requests are answered; the number of waiters is limited."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Address, Connection
from tests.contract.world import World
from tests.e2e.front import HEALTH, PROMPT_S, Desk, serving, system
from tests.support.stage import Stage

#: Each connection takes a file descriptor here and one in the server, so this process's limit counts too.
OTHER_FILES, WANTED = 500, 10_000
HARD_LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
CONNECTIONS = WANTED if HARD_LIMIT == resource.RLIM_INFINITY else min(WANTED, HARD_LIMIT - OTHER_FILES)
NEW = 50
WAIT_S = 60


@pytest.fixture(scope="module")
def own(servers: Servers, template: str) -> Iterator[tuple[dict[str, str], Stage]]:
    with system(servers, template) as (env, stage):
        yield {**env, "WAIT_CAP_S": str(WAIT_S)}, stage


@contextmanager
def files(wanted: int) -> Iterator[None]:
    """Raise this process's limit of open files to `wanted`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def look(booking: dict[str, Any], token: str) -> bytes:
    return wire.head("GET", f"/api/bookings/{booking['id']}?wait={WAIT_S}", ("Authorization", f"Bearer {token}"))


def slowest(address: Address, requests: int) -> float:
    """Send requests, each on a new connection; return the seconds of the slowest."""
    took = []
    for _ in range(requests):
        begun = time.monotonic()
        assert wire.ask(address, HEALTH).status == 200
        took.append(time.monotonic() - begun)
    return max(took)


@pytest.mark.parametrize("connections", [pytest.param(CONNECTIONS, id=f"{CONNECTIONS} connections")])
def test_so_many_connections_idle_or_wait_and_new_requests_are_answered(
    own: tuple[dict[str, str], Stage], tmp_path: Path, connections: int
) -> None:
    env, stage = own
    env = {**env, "API_PROCESSES": "2", "CONNECTIONS": str(WANTED + OTHER_FILES), "WAITERS": str(WANTED)}
    with files(connections + OTHER_FILES), serving(env, tmp_path) as api, ExitStack() as stack:
        desk = Desk.open(api.address, stage)
        booking = desk.world.book(desk.show, desk.token, "B1")
        half = connections // 2
        idle = [stack.enter_context(Connection(api.address)) for _ in range(half)]
        for connection in idle:
            connection.send(wire.head("GET", "/healthz"))
        assert {connection.read().status for connection in idle} == {200}
        waiting = [stack.enter_context(Connection(api.address)) for _ in range(connections - half)]
        for connection in waiting:
            connection.send(look(booking, desk.token))

        assert slowest(api.address, NEW) < PROMPT_S
        desk.prompt(confirm=False)
        assert all(connection.silent(0) for connection in (*idle, *waiting))
        stage.drain(desk.show)
        decided = [connection.read().json["status"] for connection in waiting]
        desk.prompt()

    assert set(decided) == {"CONFIRMED"}


def test_a_waiter_too_many_is_answered_at_once_and_one_who_leaves_gives_the_place_back(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    env, stage = own
    with serving({**env, "WAITERS": "3"}, tmp_path) as api, ExitStack() as stack:
        world = World("front", api.address, stage)
        show, token = stage.show(), world.token()
        booking = world.book(show, token, "A1")
        first, *others = [stack.enter_context(Connection(api.address)) for _ in range(3)]
        for connection in (first, *others):
            connection.send(look(booking, token))
        assert all(connection.silent(0.3) for connection in (first, *others))
        assert not _waits(world, booking, token)

        first.__exit__(None, None, None)
        until(lambda: _waits(world, booking, token))
        stage.drain(show)
        decided = [connection.read().json["status"] for connection in others]

    assert decided == ["CONFIRMED"] * 2


def _waits(world: World, booking: dict[str, Any], token: str) -> bool:
    """Return whether a new request with `?wait=` may wait."""
    with Connection(world.address) as connection:
        connection.send(look(booking, token))
        if connection.silent(0.3):
            return True
        assert connection.read().json["stage"] == "QUEUED"
        return False


def test_who_finds_no_connection_waits_in_the_queue_and_is_served_later(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    env, _ = own
    most = 64
    with serving({**env, "CONNECTIONS": str(most)}, tmp_path) as api, ExitStack() as stack:
        taken = [stack.enter_context(Connection(api.address)) for _ in range(most)]
        for connection in taken:
            connection.send(wire.head("GET", "/healthz"))
        assert {connection.read().status for connection in taken} == {200}
        late = stack.enter_context(Connection(api.address))
        late.send(HEALTH)
        assert late.silent(0.3)

        taken[0].__exit__(None, None, None)

        assert late.read().status == 200
