"""How a server ends: it announces it first, answers waiting requests, finishes what it has begun, refuses nobody."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from api.server.listening import listen
from proof.kit.servers import Servers
from proof.kit.waiting import until
from tests.contract import wire
from tests.contract.wire import Connection
from tests.e2e.front import HEALTH, HOST, Desk, await_exit, await_serving, running, serving, system
from tests.e2e.hammer import hammering, sound
from tests.support.events import EventReader
from tests.support.stage import Stage

LEAVE_S = 3
#: For tests that need a server to leave only while hammers send requests.
BRIEFLY = {"LEAVE_S": "1"}
#: Max seconds beyond LEAVE_S until a server has ended.
GRACE_S = 5.0
WAITING = 20


@pytest.fixture(scope="module")
def own(servers: Servers, template: str) -> Iterator[tuple[dict[str, str], Stage]]:
    with system(servers, template) as (env, stage):
        yield {**env, "LEAVE_S": str(LEAVE_S)}, stage


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket that outlives the servers on it, like that of `onsale up` or of a systemd unit."""
    made = listen(HOST, 0)
    yield made
    made.close()


def test_a_server_that_is_told_to_end_says_so_answers_and_ends(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    env, stage = own
    with serving(env, tmp_path) as api, ExitStack() as stack:
        desk = Desk.open(api.address, stage)
        booking = desk.world.book(desk.show, desk.token, "B1")
        waiting = [stack.enter_context(Connection(api.address)) for _ in range(WAITING)]
        for connection in waiting:
            connection.send(
                wire.head("GET", f"/api/bookings/{booking['id']}?wait=20", ("Authorization", f"Bearer {desk.token}"))
            )
        body = b'{"show_id": %d, "seats": ["C1"]}' % desk.show
        begun = stack.enter_context(Connection(api.address))
        lines = [("Authorization", f"Bearer {desk.world.token()}"), ("Content-Type", "application/json")]
        begun.send(wire.head("POST", "/api/bookings", *lines, ("Content-Length", str(len(body)))) + body[:9])
        assert waiting[0].silent(0.2)

        api.process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        known = [connection.read() for connection in waiting]
        answered_s = time.monotonic() - signalled
        ready = desk.world.ask("GET", "/readyz")
        new = desk.world.ask("POST", "/api/bookings", desk.world.token(), {"show_id": desk.show, "seats": ["D1"]})
        flask = desk.world.ask("GET", "/api/movies")
        begun.send(body[9:])
        finished = begun.read()
        await_exit(api, LEAVE_S + GRACE_S)
        took = time.monotonic() - signalled

    assert answered_s < LEAVE_S
    assert {(answer.status, answer.json["stage"]) for answer in known} == {(200, "QUEUED")}
    assert (ready.status, ready.json["status"]) == (503, "leaving")
    assert (new.status, flask.status, finished.status) == (202, 200, 202)
    assert {answer.one("connection") for answer in (*known, ready, new, flask, finished)} == {"close"}
    assert api.process.returncode == 0
    assert LEAVE_S <= took < LEAVE_S + GRACE_S
    stage.drain(desk.show)


def test_streams_of_events_end_as_they_should(own: tuple[dict[str, str], Stage], tmp_path: Path) -> None:
    env, stage = own
    with serving(env | BRIEFLY, tmp_path) as api, ExitStack() as stack:
        desk = Desk.open(api.address, stage)
        booking = desk.world.book(desk.show, desk.token, "E1")
        paths = (f"/api/shows/{desk.show}/events", f"/api/bookings/{booking['id']}/events")
        bearer = {"Authorization": f"Bearer {desk.token}"}
        streams = [stack.enter_context(EventReader(api.address, path, bearer)) for path in paths]
        firsts = [stream.next() for stream in streams]

        api.process.send_signal(signal.SIGTERM)
        ends = [stream.all() for stream in streams]  # raises if they are cut off
        await_exit(api, LEAVE_S + GRACE_S)

    assert None not in firsts
    assert [event.name for event in ends[0]] == ["seats"]
    assert {event.name for event in ends[1]} <= {"booking"}
    assert api.process.returncode == 0
    stage.drain(desk.show)


def test_another_server_takes_over_and_no_client_sees_a_reset(
    own: tuple[dict[str, str], Stage], tmp_path: Path, listener: socket.socket
) -> None:
    env, _ = own
    with (
        serving(env | BRIEFLY, tmp_path, listener=listener) as old,
        running(env, tmp_path, listener=listener) as new,
        hammering(old.address) as hammers,
    ):
        await_serving(new)
        old.process.send_signal(signal.SIGTERM)
        await_exit(old, LEAVE_S + GRACE_S)
        before = len(hammers[0].answers)
        until(lambda: len(hammers[0].answers) > before + 50)

    sound(hammers)
    assert old.process.returncode == 0


def test_one_process_that_is_told_to_end_is_replaced_and_nobody_is_refused(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    env, _ = own
    with serving({**env, **BRIEFLY, "API_PROCESSES": "2"}, tmp_path) as api:
        leaver = api.forks()[0]
        with hammering(api.address) as hammers:
            leaver.send_signal(signal.SIGTERM)
            until(lambda: leaver.pid not in [fork.pid for fork in api.forks()])
            until(lambda: len(api.forks()) == 2)
        await_serving(api, 2)

    sound(hammers)


def test_one_process_that_is_killed_is_replaced_and_the_other_serves(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    env, _ = own
    with serving({**env, "API_PROCESSES": "2"}, tmp_path) as api:
        killed = api.forks()[0]
        killed.kill()
        until(lambda: killed.pid not in [fork.pid for fork in api.forks()])
        # Connections that the killed one had accepted are reset; all later ones are answered.
        with hammering(api.address) as hammers:
            until(lambda: len(api.forks()) == 2)
            until(lambda: len(hammers[0].answers) > 50)
        await_serving(api, 2)

    sound(hammers)


def test_a_server_that_is_told_to_end_before_it_serves_ends_at_once(
    own: tuple[dict[str, str], Stage], tmp_path: Path
) -> None:
    """Its processes are still importing: they serve no request yet, and have no signal handlers yet."""
    env, _ = own
    with running({**env, "API_PROCESSES": "2"}, tmp_path) as api:
        until(lambda: len(_children(api.process.pid)) == 2)
        api.process.send_signal(signal.SIGTERM)
        took = await_exit(api, LEAVE_S + GRACE_S)

    assert took < LEAVE_S
    assert api.process.returncode == 0
    assert "Traceback" not in api.output()


def _children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


def test_a_client_that_comes_while_nobody_serves_waits_and_is_answered(
    own: tuple[dict[str, str], Stage], tmp_path: Path, listener: socket.socket
) -> None:
    env, _ = own
    with serving(env, tmp_path, listener=listener) as killed:
        forks = killed.forks()
        for process in (psutil.Process(killed.process.pid), *forks):
            process.kill()
        killed.process.wait()
        until(lambda: not any(fork.is_running() and fork.status() != psutil.STATUS_ZOMBIE for fork in forks))

        with Connection(killed.address) as early:
            early.send(HEALTH)
            with serving(env, tmp_path, listener=listener):
                assert early.read().status == 200
