"""`onsale up` from outside: what it prints, what it survives, and that it leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from ops.rush.tokens import mint
from ops.up.process import Member
from ops.up.running import find_running
from proof.kit.client import Client
from proof.kit.system import NAMES, START_DEADLINE_S, Up

#: Max seconds of a stop: the ten of the supervisor, and a little for this process to notice.
STOP_DEADLINE_S = 10.5


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_printed_sequence_books_two_seats_when_it_is_pasted(running_up: Up) -> None:
    text = running_up.output()
    commands = text.split("outcome):\n")[1].split("\nOr send a crowd")[0]

    done = subprocess.run(["bash"], input=commands, capture_output=True, text=True, timeout=60, check=True)

    answer = json.loads(done.stdout)
    assert answer["status"] == "CONFIRMED"
    assert sorted(answer["seats"]) == ["A1", "A2"]


def test_api_and_workers_are_logged_in_with_no_more_rights_than_they_need(running_up: Up) -> None:
    """tests/integration/db/test_roles.py tests these rights; this test shows that the processes use these roles."""
    result = running_up.run("rush", "--buyers", "40", "--seats", "20", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    owner = find_running(running_up.home).database_url.replace("+psycopg", "")
    statement = b"SELECT DISTINCT usename::text FROM pg_stat_activity WHERE application_name = 'onsale'"

    with psycopg.connect(owner) as connection:
        names = {name for (name,) in connection.execute(statement)}

    assert names == {"onsale_api_login", "onsale_worker_login"}
    for name, pids in running_up.pids().items():
        if name == "api" or name.startswith("worker"):
            url = psutil.Process(pids[0]).environ()["DATABASE_URL"]
            assert f"//{'onsale_api' if name == 'api' else 'onsale_worker'}_login:" in url


def _victims() -> list[Any]:
    """Return groups with a position in the group: 0 is the leader, the others are its forks."""
    chosen = [
        ("worker-1", 0),
        ("worker-1", 1),
        ("api", 0),
        ("scheduler", 0),
        ("postgres", 0),
        ("redis", 0),
    ]
    return [pytest.param(name, place, id=f"{name}-{place}") for name, place in chosen]


@pytest.mark.parametrize(("name", "place"), _victims())
def test_a_group_that_loses_a_process_is_killed_whole_and_started_again(
    running_up: Up, name: str, place: int
) -> None:
    before = running_up.pids()
    lost = {Member(pid, psutil.Process(pid).create_time()) for pid in before[name]}

    os.kill(before[name][place], signal.SIGKILL)

    running_up.wait(lambda: name in (now := running_up.pids()) and not set(now[name]) & set(before[name]))
    assert [member.pid for member in lost if member.process()] == []
    running_up.wait(running_up.complete)
    after = running_up.pids()
    assert {other for other in NAMES if after[other] != before[other]} == {name}
    lines = [line for line in running_up.output().splitlines() if str(before[name]) in line]
    assert len(lines) == 1
    assert f"event=group_killed process=supervisor group={name} " in lines[0]


def _answered(up: Up) -> str:
    """Return the outcome of a request on a new connection: "200", or the name of the error."""
    connection = http.client.HTTPConnection(urlsplit(find_running(up.home).base_url).netloc, timeout=START_DEADLINE_S)
    try:
        connection.request("GET", "/healthz")
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _listens(pid: int) -> bool:
    with suppress(psutil.Error):
        return any(each.status == psutil.CONN_LISTEN for each in psutil.Process(pid).net_connections("tcp"))
    return False


def test_a_fork_of_the_api_is_replaced_and_nobody_is_refused_meanwhile(running_up: Up) -> None:
    before = running_up.pids()
    leader, lost, other = before["api"]
    running_up.wait(lambda: _listens(lost) and _listens(other))
    answers: list[str] = []

    os.kill(lost, signal.SIGKILL)

    def replaced() -> bool:
        answers.append(_answered(running_up))
        now = running_up.pids()["api"]
        return lost not in now and len(now) == 3 and all(map(_listens, now[1:]))

    running_up.wait(replaced, START_DEADLINE_S)
    after = running_up.pids()
    assert after["api"][:2] == [leader, other]
    assert {name for name in NAMES if after[name] != before[name]} == {"api"}
    # A connection that the killed fork had not served yet is reset with it; the other fork serves all others.
    assert set(answers) <= {"200", "ConnectionResetError"}
    assert answers.count("200") > 0
    assert _answered(running_up) == "200"
    assert f"event=fork_ended process=supervisor group=api pid={lost}" in running_up.output()


def test_a_request_while_the_whole_api_is_replaced_waits_and_is_answered(running_up: Up) -> None:
    before = running_up.pids()

    for pid in before["api"]:
        os.kill(pid, signal.SIGKILL)
    running_up.wait(lambda: not any(map(psutil.pid_exists, before["api"][1:])))
    first = _answered(running_up)

    assert first == "200"
    running_up.wait(running_up.complete)
    assert not set(running_up.pids()["api"]) & set(before["api"])


def test_status_shows_processes_lanes_and_seats(running_up: Up) -> None:
    shown = running_up.run("status")
    found = json.loads(running_up.run("status", "--json").stdout)

    assert [row["name"] for row in found["processes"]] == NAMES
    assert {row["state"] for row in found["processes"]} == {"running"}
    assert [lane["lane"] for lane in found["lanes"]] == list(range(8))
    assert set(found["seats"]) == {"free", "held", "sold"}
    assert all(name in shown.stdout for name in [*NAMES, "Lanes", "Seats"])


def test_workers_are_scaled_up_and_down(running_up: Up) -> None:
    before = running_up.pids()

    assert running_up.run("scale", "worker=3").returncode == 0
    running_up.wait(lambda: len(running_up.pids().get("worker-3", [])) == 2)
    assert running_up.run("scale", "worker=2").returncode == 0
    running_up.wait(lambda: "worker-3" not in running_up.pids())

    assert running_up.pids() == before
    assert running_up.run("scale", "worker=65").returncode == 2


def _administrator(up: Up) -> tuple[Client, str]:
    """Return a client of the api, and an administrator's token."""
    system = find_running(up.home)
    with psycopg.connect(system.database_url.replace("+psycopg", "")) as connection:
        [[admin]] = connection.execute(b"SELECT id FROM users WHERE role = 'admin'").fetchall()
    return Client(system.base_url), mint(system.jwt_secret, str(admin), role="admin")


def test_a_cancelled_show_loses_its_bookings_although_all_workers_are_killed_in_between(running_up: Up) -> None:
    """More bookings than two batches: the workers die when some are cancelled, and the next ones continue."""
    options = ("--buyers", "1100", "--seats", "1200", "--mix", "best=100", "--group", "1", "--no-verify", "--json")
    rush = running_up.run("rush", *options)
    assert rush.returncode == 0, rush.stdout + rush.stderr
    show, before = json.loads(rush.stdout)["show_id"], running_up.pids()
    client, token = _administrator(running_up)
    change = client.call("DELETE", f"/api/shows/{show}?cancel_bookings=true", token=token)["id"]

    def left() -> int:
        found: int | None = client.call("GET", f"/api/shows/{show}/changes/{change}", token=token).get("seats_left")
        return 1100 if found is None else found

    running_up.wait(lambda: left() < 1100)
    killed = {*before["worker-1"], *before["worker-2"]}
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    at_the_kill = left()
    running_up.wait(lambda: left() == 0)

    assert 0 < at_the_kill < 1100
    running_up.wait(running_up.complete)
    assert not {*before["worker-1"], *before["worker-2"]} & {
        pid for pids in running_up.pids().values() for pid in pids
    }
    verified = running_up.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    client.close()


def test_workers_are_scaled_over_http(running_up: Up) -> None:
    before = running_up.pids()
    client, token = _administrator(running_up)

    def running() -> Any:
        return client.call("GET", "/api/admin/workers/count", token=token)["running"]

    asked = client.call("PUT", "/api/admin/workers/count", {"count": 3}, token=token)
    running_up.wait(lambda: len(running_up.pids().get("worker-3", [])) == 2 and running() == 3)
    assert running_up.run("scale", f"worker={asked['most'] + 1}").returncode == 2
    client.call("PUT", "/api/admin/workers/count", {"count": 2}, token=token)
    running_up.wait(lambda: "worker-3" not in running_up.pids() and running() == 2)

    # Of 100 connections of Postgres, 3 are for superusers, 10 for the api, and 7 are spare; a worker may need 10.
    assert (asked["wanted"], asked["most"], asked["changeable"]) == (3, 8, True)
    assert running_up.pids() == before
    client.close()


def test_a_second_up_in_the_same_home_is_refused(running_up: Up) -> None:
    done = running_up.run("up", "--port", "0")

    assert done.returncode == 2
    assert "already runs" in done.stderr
    assert running_up.complete()


def test_sigterm_ends_everything_in_time(running_up: Up) -> None:
    # The last test that shares this system.
    running_up.pids()

    took = running_up.stop(signal.SIGTERM)

    assert running_up.process is not None
    assert running_up.process.returncode == 0, running_up.output()
    assert took < STOP_DEADLINE_S
    assert running_up.left() == []
    assert "killed_late" not in running_up.output()
    assert not (running_up.home / "run" / "state.json").exists()


def test_after_a_kill_of_up_itself_the_next_start_finds_its_data_and_ends_the_rest(fresh_up: Up) -> None:
    fresh_up.start()
    fresh_up.wait(fresh_up.complete)
    password = re.search(r"^admin \S+ password \S+", fresh_up.output(), re.MULTILINE)
    # Stopped processes cannot handle the signal that the kernel sends; the next start ends them by the record.
    stuck = fresh_up.pids()["worker-1"] + fresh_up.pids()["redis"]
    for pid in stuck:
        os.kill(pid, signal.SIGSTOP)

    fresh_up.stop(signal.SIGKILL)
    first = set(fresh_up.seen)
    fresh_up.start()

    assert [member.pid for member in first if member.process()] == []
    fresh_up.wait(fresh_up.complete)
    assert password is not None
    assert "Try it in another terminal" in fresh_up.output()  # a show of the demo
    assert "password" not in fresh_up.output().split("ready http")[0]
    assert fresh_up.stop(signal.SIGINT) < STOP_DEADLINE_S
    assert fresh_up.left() == []


def test_fresh_starts_from_nothing_and_a_second_ctrl_c_kills_at_once(fresh_up: Up) -> None:
    fresh_up.start()
    secret = (fresh_up.home / "secrets.json").read_text()
    fresh_up.stop(signal.SIGINT)

    fresh_up.start("--fresh", "--workers", "1")

    assert re.search(r"^admin \S+ password \S+", fresh_up.output(), re.MULTILINE)
    assert (fresh_up.home / "secrets.json").read_text() != secret
    # A worker that does not react would delay the end for seconds.
    for pid in fresh_up.pids()["worker-1"]:
        os.kill(pid, signal.SIGSTOP)
    assert fresh_up.process is not None
    fresh_up.process.send_signal(signal.SIGINT)
    fresh_up.wait(lambda: "event=stopping" in fresh_up.output())
    assert fresh_up.stop(signal.SIGINT) < 2.5
    assert fresh_up.left() == []
