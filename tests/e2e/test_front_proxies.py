"""The api behind nginx and HAProxy, configured as in docs/proxies: what clients see, and how an api leaves."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from core.server_settings import ServerSettings
from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Connection
from tests.contract.world import LOGINS_PER_ADDRESS, World
from tests.e2e import proxies
from tests.e2e.front import Api, await_exit, serving, system
from tests.e2e.hammer import hammering, sound
from tests.e2e.proxies import PREFIX
from tests.support.stage import Stage

LEAVE_S = 4
MISSING = [name for name in ("nginx", "haproxy") if proxies.program(name) is None]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed here: {', '.join(MISSING)} (Debian: apt-get install)"
)


@pytest.fixture(scope="module")
def own(servers: Servers, template: str) -> Iterator[tuple[dict[str, str], Stage]]:
    with system(servers, template) as (env, stage):
        yield {**env, "LEAVE_S": str(LEAVE_S)}, stage


@pytest.fixture(scope="module")
def apis(own: tuple[dict[str, str], Stage], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Api]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(own[0], tmp_path_factory.mktemp("api"))) for _ in range(2)]


@pytest.fixture(params=[proxies.nginx, proxies.haproxy], ids=["nginx", "haproxy"])
def world(
    request: pytest.FixtureRequest, own: tuple[dict[str, str], Stage], apis: list[Api], tmp_path: Path
) -> Iterator[World]:
    """The apis, as clients see them through a proxy."""
    with request.param(tmp_path, [api.address for api in apis]) as address:
        yield World(request.param.__name__, address, own[1])


def ask(world: World, method: str, path: str, *lines: tuple[str, str], body: bytes = b"") -> wire.Answer:
    """Send a request below the prefix, as a client that does not know of the proxy."""
    head = wire.head(method, PREFIX + path, ("Connection", "close"), *lines)
    return wire.ask(world.address, head + body, method)


def test_a_body_in_chunks_goes_through_and_location_has_the_prefix(world: World) -> None:
    show, token = world.stage.show(), world.token()
    bearer = ("Authorization", f"Bearer {token}")
    data = wire.chunked(b'{"show_id": %d, "seats": ["A1"], "hold": true}' % show, 11)
    lines = [bearer, ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]

    accepted = ask(world, "POST", "/api/bookings", *lines, body=data)
    world.stage.drain(show)
    location = accepted.one("location")
    seen = wire.ask(world.address, wire.head("GET", location, bearer, ("Connection", "close")))
    confirmed = wire.ask(world.address, wire.head("PATCH", location + "/confirm", bearer, ("Connection", "close")))

    assert accepted.status == 202, accepted
    assert location.startswith(f"{PREFIX}/api/bookings/")
    assert (seen.status, seen.json["stage"]) == (200, "HELD")
    assert confirmed.status == 202
    world.stage.drain(show)


def test_a_waiting_request_is_neither_cut_nor_held_back(world: World) -> None:
    show, token = world.stage.show(), world.token()
    bearer = ("Authorization", f"Bearer {token}")
    data = b'{"show_id": %d, "seats": ["A1"]}' % show
    lines = [bearer, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
    location = ask(world, "POST", "/api/bookings", *lines, body=data).one("location")

    with Connection(world.address) as waiting:
        waiting.send(wire.head("GET", f"{location}?wait=20", bearer))
        assert waiting.silent(1.0)
        world.stage.drain(show)
        decided = time.monotonic()
        answer = waiting.read()

    assert (answer.status, answer.json["status"]) == (200, "CONFIRMED")
    assert time.monotonic() - decided < 2.0


def test_a_tag_that_the_proxy_has_weakened_still_gives_304(world: World) -> None:
    show, token = world.stage.show(), world.token()
    booking = world.stage.book(show, "A1")
    world.stage.drain(show)
    token = world.token(world.stage.alice)
    lines = [("Authorization", f"Bearer {token}"), ("Accept-Encoding", "gzip")]

    first = ask(world, "GET", f"/api/bookings/{booking}", *lines)
    again = ask(world, "GET", f"/api/bookings/{booking}", *lines, ("If-None-Match", first.one("etag")))

    assert (first.status, again.status) == (200, 304)
    by_nginx = world.transport == "nginx"
    assert (first.one("content-encoding"), first.one("etag")[:2]) == (("gzip", "W/") if by_nginx else ("", '"v'))


def test_clients_are_told_apart_and_cannot_choose_their_address(world: World) -> None:
    statuses = []
    for number in range(LOGINS_PER_ADDRESS + 1):
        data = b'{"email": "%s@example.com", "password": "not the password"}' % uuid4().hex.encode()
        forged = [(name, f"198.51.100.{number}") for name in ("X-Forwarded-For", "X_Forwarded_For", "Forwarded")]
        lines = [*forged, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        statuses.append(ask(world, "POST", "/api/auth/login", *lines, body=data).status)

    world.stage.stores.client.flushdb()
    assert statuses[-1] == 429
    assert set(statuses[:-1]) == {401}


def test_the_documentation_and_its_links_are_below_the_prefix(world: World) -> None:
    page = ask(world, "GET", "/docs")
    document = ask(world, "GET", "/openapi.json")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())

    assert page.status == 200
    assert [server["url"] for server in document.json["servers"]] == [PREFIX]
    assert {ask(world, "GET", "/" + name).status for name in files} == {200}
    assert not page.all("strict-transport-security")  # the proxy reports that the client did not use TLS


def test_a_leaving_api_is_taken_out_before_it_ends(
    own: tuple[dict[str, str], Stage], apis: list[Api], tmp_path: Path
) -> None:
    with (
        serving(own[0], tmp_path) as leaver,
        proxies.haproxy(tmp_path, [leaver.address, apis[1].address]) as address,
        hammering(address, path=f"{PREFIX}/healthz") as hammers,
    ):
        until(lambda: len(hammers[0].answers) > 20)
        leaver.process.send_signal(signal.SIGTERM)
        until(lambda: proxies.states(tmp_path)["one"].startswith("DOWN"))
        assert leaver.process.poll() is None
        await_exit(leaver, LEAVE_S + 5.0)
        before = len(hammers[0].answers)
        until(lambda: len(hammers[0].answers) > before + 20)

    sound(hammers)
    assert leaver.process.returncode == 0


def test_an_api_that_nginx_has_connections_to_leaves_and_nobody_notices(
    own: tuple[dict[str, str], Stage], apis: list[Api], tmp_path: Path
) -> None:
    with (
        serving({**own[0], "LEAVE_S": "1"}, tmp_path) as leaver,
        proxies.nginx(tmp_path, [leaver.address, apis[1].address]) as address,
        hammering(address, path=f"{PREFIX}/healthz") as hammers,
    ):
        until(lambda: len(hammers[0].answers) > 20)
        leaver.process.send_signal(signal.SIGTERM)
        await_exit(leaver, LEAVE_S + 5.0)
        before = len(hammers[0].answers)
        until(lambda: len(hammers[0].answers) > before + 20)

    sound(hammers)


@pytest.mark.parametrize("name", ["nginx.conf", "haproxy.cfg"])
def test_idle_connections_are_the_proxys_to_close(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEEP_ALIVE_S", raising=False)
    text = (proxies.FOLDER / name).read_text()
    idle = [int(found) for found in re.findall(r"(?:keepalive_timeout|http-keep-alive|timeout server) (\d+)s", text)]

    assert idle
    assert max(idle) < ServerSettings.from_env().keep_alive_s
