"""What a worker process does at the moment, for operators: the lanes it drains, and the shows it has just changed.

Drains note it in memory; the sweeper sends it with each heartbeat (db/kv/workers_alive.py), whatever the number of
batches. Nothing is decided by it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from db.postgres.shows import ShowRow

#: Shows of one worker that its heartbeat names, the ones changed last, and for how long after their last change.
MOST_SHOWS, SHOWS_S = 20, 65.0


@dataclass(slots=True)
class Turn:
    """A drain at work on a lane. `batch`: entries of its last batch; `decided`: by all of its batches."""

    token: str
    since_ms: int
    batch: int = 0
    decided: int = 0


@dataclass
class Activity:
    """The activity of one process. Thread-safe."""

    since_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    _turns: dict[int, Turn] = field(default_factory=dict)
    #: Show -> (when it was last decided about, monotonic; its row; how many seats were sold before it was noted).
    _shows: dict[int, tuple[float, ShowRow, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, lane: int, token: str) -> None:
        """Note that a drain has begun a turn at a lane."""
        with self._lock:
            self._turns[lane] = Turn(token, int(time.time() * 1000))

    def batch(
        self, lane: int, entries: int, decisions: int, rows: Iterable[ShowRow], sold_before: Mapping[int, int]
    ) -> None:
        """Note a committed batch of the lane's drain: its shows' rows, and how many seats were sold before it."""
        now = time.monotonic()
        with self._lock:
            turn = self._turns.get(lane)
            if turn is not None:
                turn.batch = entries
                turn.decided += decisions
            for row in rows:
                # Popped, so that the dictionary is in the order of the last changes.
                *_, before = self._shows.pop(row.id, (sold_before.get(row.id, row.sold),))
                self._shows[row.id] = now, row, before

    def end(self, lane: int, token: str) -> None:
        """Note that a drain has ended its turn at a lane."""
        with self._lock:
            if lane in self._turns and self._turns[lane].token == token:
                del self._turns[lane]

    def to_json(self) -> dict[str, Any]:
        """Return what a heartbeat says, and forget shows that have not changed for SHOWS_S."""
        oldest = time.monotonic() - SHOWS_S
        with self._lock:
            while self._shows and (first := next(iter(self._shows.items())))[1][0] < oldest:
                del self._shows[first[0]]
            turns = [
                {"lane": lane, "token": turn.token, "since_ms": turn.since_ms, "batch": turn.batch,
                 "decided": turn.decided}
                for lane, turn in sorted(self._turns.items())
            ]  # fmt: skip
            latest = list(self._shows.values())[-MOST_SHOWS:]
        shows = [[row.id, row.version, row.capacity, row.held, row.sold, before] for _, row, before in latest]
        return {
            "host": socket.gethostname(), "pid": os.getpid(), "since_ms": self.since_ms, "lanes": turns,
            "shows": shows,
        }  # fmt: skip
