"""Runs a block with another number of workers, where the supervisor is ours, and restores the number afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigurationError, OnsaleError
from db.kv import workers_alive
from db.kv.rounds import Rounds
from ops.up.control import ask
from ops.up.home import is_locked

#: Seconds in which new workers must have started, or surplus ones ended.
SCALED_S = 30.0
#: Seconds between two looks.
TICK_S = 0.1


@contextmanager
def scaled(home: Path, rounds: Rounds, count: int | None, check: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Run the block with `count` workers, and yield how many there are; None: with those that there are.

    Args:   check: called while it waits for them; what it raises ends the wait, and the number is restored.
    Raises: ConfigurationError: no `onsale up` of this home runs, so its workers are not ours to scale.
            OnsaleError: the workers have not started in time; their number is restored.
    """
    if count is None:
        yield alive(rounds)
        return
    if not is_locked(home):
        raise ConfigurationError(f"--workers: no onsale up runs in {home}. Scale the workers where they run.")
    before = wanted(home)
    try:
        if count != before:
            ask(home, {"do": "scale", "worker": count})
        _await(rounds, count, check)
        yield count
    finally:
        if count != before:
            ask(home, {"do": "scale", "worker": before})


def alive(rounds: Rounds) -> int:
    """Return how many workers have sent a heartbeat lately. Raises: RedisUnavailable."""
    return workers_alive.count(rounds.call(workers_alive.count_commands(), writes=False))


def wanted(home: Path) -> int:
    """Return how many workers this home's `onsale up` keeps running. Raises: ConfigurationError."""
    rows = ask(home, {"do": "status"})["processes"]
    return sum(row["wanted"] for row in rows if row["name"].startswith("worker-"))


def _await(rounds: Rounds, count: int, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + SCALED_S
    while (now := alive(rounds)) != count:
        if time.monotonic() > deadline:
            raise OnsaleError(f"After {SCALED_S:g} s there are {now} workers, not {count}.")
        check()
        time.sleep(TICK_S)
