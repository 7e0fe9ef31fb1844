"""Lanes are drained without a broker too, under any load: doorbells only save a second.

The whole system runs while its broker is stopped or full, or loses its doorbells, and a rush arrives at a steady
rate. The test limits the age of the oldest undecided request *during* the fault, not after it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import redis

from db.kv import lanes
from db.kv.rounds import Rounds, connection_pool
from ops.up.running import find_running
from ops.verify import verify
from proof.kit.system import Up

#: Max age of an undecided request, seconds: 1 s until a sweeper rescues a stalled lane, its batch, and some slack.
OLDEST_S = 3.0
#: Seconds over which the rush arrives: several times the lease, so that lanes are not drained by chance.
RAMP_S = 6
LANES = 8


@contextmanager
def stopped(up: Up) -> Iterator[None]:
    """Stop the broker's process: it neither answers nor closes connections."""
    [pid, *_] = up.pids()["broker"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def broker_of(up: Up) -> Iterator[redis.Redis]:
    client = redis.Redis(connection_pool=connection_pool(find_running(up.home).broker_url, socket_timeout_s=5))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def full(up: Up) -> Iterator[None]:
    """Make the broker refuse every write for lack of memory."""
    with broker_of(up) as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", before)


@contextmanager
def eaten(up: Up) -> Iterator[None]:
    """Delete the doorbells, as if a worker of another installation took them."""
    over = threading.Event()

    def eat() -> None:
        with broker_of(up) as client:
            while not over.is_set():
                client.blpop(["dramatiq:doorbells"], 0.1)  # served before any worker asks

    eater = threading.Thread(target=eat)
    eater.start()
    try:
        yield
    finally:
        over.set()
        eater.join()


class Watch(threading.Thread):
    """Reads the age of each lane's oldest entry twenty times a second."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(daemon=True)
        self.oldest_ms = 0
        self.over = threading.Event()
        self._rounds = Rounds(redis_url)

    def run(self) -> None:
        while not self.over.wait(0.05):
            states = lanes.overview(self._rounds.call(lanes.overview_commands(LANES), writes=False))
            self.oldest_ms = max(self.oldest_ms, *(state.oldest_age_ms for state in states))
        self._rounds.close()


def rush(up: Up, rate: int) -> subprocess.CompletedProcess[str]:
    buyers = str(rate * RAMP_S)
    arrive = ("--ramp", str(RAMP_S), "--mix", "best=1", "--group", "1")
    return up.run("rush", "--buyers", buyers, "--seats", buyers, *arrive, "--json", "--no-verify")


@pytest.mark.parametrize(
    ("fault", "rate"), [(stopped, 20), (stopped, 100), (stopped, 400), (full, 100), (eaten, 20), (eaten, 100)]
)
def test_no_request_waits_long_while_doorbells_wake_nobody(
    running_up: Up, fault: Callable[[Up], AbstractContextManager[None]], rate: int
) -> None:
    watch = Watch(find_running(running_up.home).redis_url)
    watch.start()

    with fault(running_up):
        result = rush(running_up, rate)
        watch.over.set()
        watch.join()

    assert result.returncode == 0, result.stdout + result.stderr
    assert watch.oldest_ms < OLDEST_S * 1000
    assert verify(find_running(running_up.home).database_url).violations == []
