"""Forks that their leader replaces: the group continues, and is broken only if one is not replaced."""

from __future__ import annotations

import os
import signal

import pytest

from ops.up import process as local_process
from ops.up.process import ProcessGroup, start
from ops.up.supervised import State, Supervised
from proof.kit.waiting import until
from tests.support.groups import PAIR, alive, launch

#: A leader of two forks that starts another one for each that ends.
REPLACING = """
import os, signal
def fork():
    if os.fork() == 0:
        signal.pause()
fork(), fork()
while True:
    os.wait()
    fork()
"""


@pytest.fixture
def replacing():
    group = start(launch(REPLACING, forks=2, replaces=True))
    until(lambda: group.look() is None and len(group.members) == 3)
    yield group
    group.kill()


def test_a_fork_that_its_leader_replaces_is_no_trouble(replacing: ProcessGroup):
    leader, first, second = replacing.members
    for lost in (first, second):
        os.kill(lost.pid, signal.SIGKILL)

        until(lambda gone=lost: replacing.look() is None and gone not in replacing.members)
        until(lambda: replacing.look() is None and len(replacing.members) == 3)

    assert replacing.members[0] == leader
    assert not {first, second} & set(replacing.members)
    assert all(map(alive, replacing.members))


def test_forks_lost_together_are_both_waited_for(replacing: ProcessGroup):
    leader, *lost = replacing.members
    for member in lost:
        os.kill(member.pid, signal.SIGKILL)

    until(lambda: replacing.look() is None and len(replacing.members) == 3 and not set(lost) & set(replacing.members))

    assert replacing.members[0] == leader


def test_a_fork_that_its_leader_was_to_replace_and_does_not_is_trouble(monkeypatch):
    monkeypatch.setattr(local_process, "REPLACED_WITHIN_S", 0.05)
    group = start(launch(PAIR, forks=1, replaces=True))
    try:
        until(lambda: group.look() is None and len(group.members) == 2)
        fork = group.members[1]

        os.kill(fork.pid, signal.SIGKILL)
        until(lambda: group.look() is not None)

        # The leader never reaps it: a zombie must not count as the fork that replaces it.
        assert group.look() == f"its fork {fork.pid} ended and was not replaced"
        assert [member.pid for member in group.members] == [group.pid]
    finally:
        group.kill()


def test_a_replaced_fork_changes_the_record_and_not_the_group(replacing: ProcessGroup):
    process = Supervised(replacing.launch, group=replacing)
    lost = process.pids()[1]

    os.kill(lost, signal.SIGKILL)

    changes = []
    until(lambda: changes.append(process.tick()) or (lost not in process.pids() and len(process.pids()) == 3))
    assert any(changes)
    assert process.group is replacing
    assert (process.state, process.restarts) == (State.RUNNING, 0)
