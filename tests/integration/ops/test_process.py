"""Process groups: watched and killed as a whole, restarted with backoff; unrelated processes are never touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ops.up import supervised
from ops.up.home import run_folder
from ops.up.leftovers import end_leftovers, record
from ops.up.process import Launch, Member, ProcessGroup, start
from ops.up.supervised import State, Supervised
from proof.kit.waiting import until
from tests.support.groups import PAIR, alive, launch


@pytest.fixture
def pair():
    group = start(launch(PAIR, forks=1))
    until(lambda: group.look() is None and len(group.members) == 2)
    yield group
    group.kill()


def test_a_group_whose_fork_died_is_in_trouble(pair: ProcessGroup):
    os.kill(pair.members[1].pid, signal.SIGKILL)

    until(pair.look)

    assert pair.look() == f"its fork {pair.members[1].pid} ended"


def test_the_fork_of_a_killed_leader_is_killed_with_the_group(pair: ProcessGroup):
    leader, fork = pair.members
    os.kill(leader.pid, signal.SIGKILL)
    until(pair.look)
    assert pair.look() == "the leader ended"
    assert alive(fork)

    assert pair.kill() == -signal.SIGKILL

    until(lambda: not alive(fork))


def test_a_process_in_a_session_of_its_own_is_killed_with_its_group():
    code = "import os, signal\nif os.fork() == 0: os.setsid()\nsignal.pause()"
    group = start(launch(code))
    until(lambda: psutil.Process(group.pid).children())
    child = psutil.Process(group.pid).children()[0]
    until(lambda: os.getsid(child.pid) == child.pid)

    group.kill()

    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_a_group_ends_when_its_starter_is_killed():
    code = (
        "import sys, signal; from pathlib import Path; from ops.up.process import Launch, start\n"
        "command = (sys.executable, '-c', 'import signal; signal.pause()')\n"
        "print(start(Launch(name='x', command=command, cwd=Path('/'), env={})).pid, flush=True)\n"
        "signal.pause()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    leader = Member(pid, psutil.Process(pid).create_time())

    starter.kill()

    until(lambda: not alive(leader))
    starter.wait()
    starter.stdout.close()


def test_what_a_killed_run_left_is_ended_and_a_stranger_is_not(pair: ProcessGroup, tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        record(tmp_path, [pair])
        file = run_folder(tmp_path) / "processes.json"
        rows = json.loads(file.read_text())
        # The unrelated process has the id of one that was recorded an hour ago.
        rows[0]["members"].append([stranger.pid, psutil.Process(stranger.pid).create_time() - 3600])
        file.write_text(json.dumps(rows))

        ended = end_leftovers(tmp_path, gently=frozenset())

        assert ended == sorted(member.pid for member in pair.members)
        until(lambda: not any(map(alive, pair.members)))
        assert stranger.poll() is None
        assert end_leftovers(tmp_path, gently=frozenset()) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_servers_that_were_left_are_asked_before_they_are_killed(tmp_path):
    lease = tmp_path / "ended in good order"
    code = (
        "import pathlib, signal, sys\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(lease)!r}).touch(), sys.exit(0)))\n"
        f"pathlib.Path({str(tmp_path / 'up')!r}).touch()\n"
        "while True: signal.pause()"
    )
    group = start(launch(code))
    until((tmp_path / "up").exists)
    record(tmp_path, [group])

    assert end_leftovers(tmp_path, gently=frozenset({"pair"})) == [group.pid]

    assert lease.exists()
    group.kill()


class FakeGroup(ProcessGroup):
    """A group that does what the test says, without a process."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.members = [Member(1, 0.0)]
        self.trouble: str | None = None
        self.asked = 0
        self.over = False

    @property
    def pid(self) -> int:
        return 1

    def look(self) -> str | None:
        return self.trouble

    def stop(self) -> None:
        self.asked += 1

    def ended(self) -> bool:
        return self.over

    def kill(self) -> int:
        return -9


@pytest.fixture
def process(monkeypatch) -> Supervised:
    monkeypatch.setattr(supervised, "start", FakeGroup)
    return Supervised(launch(""))


def _die(process: Supervised, now: float) -> None:
    assert isinstance(process.group, FakeGroup)
    process.group.trouble = "the leader ended"
    assert process.tick(now)
    assert process.state is State.WAITING


def test_a_group_that_dies_again_and_again_is_started_less_and_less_often(process: Supervised):
    now, waits = 100.0, []
    process.tick(now)
    for _ in range(8):
        _die(process, now)
        died = now
        while process.group is None:
            now += 0.01
            process.tick(now)
        waits.append(round(now - died, 1))

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert process.restarts == 8


def test_a_death_after_ten_good_seconds_counts_as_the_first_again(process: Supervised):
    process.tick(0.0)
    _die(process, 0.0)
    process.tick(1.0)
    _die(process, 1.0)
    process.tick(2.0)
    _die(process, 12.0)

    process.tick(12.05)
    assert process.state is State.WAITING
    process.tick(12.11)
    assert process.state is State.RUNNING


def test_a_program_that_is_not_there_is_tried_again(process: Supervised, monkeypatch):
    def missing(_launch: Launch) -> ProcessGroup:
        raise FileNotFoundError("no such program")

    monkeypatch.setattr(supervised, "start", missing)

    assert process.tick(0.0)
    assert (process.state, process.restarts) == (State.WAITING, 1)


def test_an_end_is_asked_for_once_and_enforced_when_it_takes_too_long(process: Supervised):
    process.tick(0.0)
    group = process.group
    assert isinstance(group, FakeGroup)

    process.end(5.0)
    process.end(6.0)
    assert not process.tick(4.9)
    assert process.state is State.ENDING
    assert process.tick(5.0)

    assert group.asked == 1
    assert process.over
    assert not process.tick(100.0)


def test_a_worker_wanted_again_while_it_ends_comes_back(process: Supervised):
    process.tick(0.0)
    process.end(5.0)
    process.want()
    assert isinstance(process.group, FakeGroup)
    process.group.over = True

    process.tick(1.0)
    process.tick(1.1)

    assert process.state is State.RUNNING


def test_a_group_that_is_not_wanted_any_more_is_not_started_again(process: Supervised):
    process.tick(0.0)
    process.unwant()
    assert isinstance(process.group, FakeGroup)
    process.group.trouble = "the leader ended"

    process.tick(1.0)
    process.tick(100.0)

    assert process.over
