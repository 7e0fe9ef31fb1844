"""Counts of refusals by show and reason, for an operator's console: in memory, and once a second to Redis.

A request that is refused changes one number in memory. A thread of each api process adds the numbers to those in
Redis (db/kv/refusals.py). SIGKILL loses what was counted since; if a reply of Redis is lost, they count once or not.
"""

from __future__ import annotations

import threading
from collections import Counter

from redis.exceptions import ResponseError

from core import logs
from core.errors import AcceptUnknown, RedisUnavailable
from db.kv import refusals
from db.kv.rounds import Rounds

log = logs.logger(__name__)

#: Seconds between two hand-overs.
EVERY_S = 1.0
#: Max shows and reasons that wait to be handed over; further ones are counted by reason alone.
MOST = 2_000


class RefusalCounts:
    """The counts of one process that are not in Redis yet. Thread-safe."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[int, str]]()
        self._lock = threading.Lock()

    def count(self, show_id: int, reason: str) -> None:
        """Add one. Args: show_id: 0 for a request about no show."""
        self._add(show_id, reason, 1)

    def hand_over(self, rounds: Rounds) -> int:
        """Add everything counted so far to the counts in Redis; return how many refusals that were.

        Raises: RedisUnavailable: nothing was added, it is added the next time.   AcceptUnknown, ResponseError: it may
                have been added, and is not added again.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return 0
        try:
            rounds.call(refusals.add_commands(counts), writes=True)
        except RedisUnavailable:
            for (show_id, reason), number in counts.items():
                self._add(show_id, reason, number)
            raise
        return counts.total()

    def _add(self, show_id: int, reason: str, number: int) -> None:
        with self._lock:
            key = (show_id, reason)
            if key not in self._counts and len(self._counts) >= MOST:
                key = (0, reason)
            self._counts[key] += number


class RefusalSender(threading.Thread):
    """Hands the counts of this process over, each EVERY_S, for as long as the process lives."""

    def __init__(self, counts: RefusalCounts, rounds: Rounds) -> None:
        super().__init__(name="refusals", daemon=True)
        self._counts = counts
        self._rounds = rounds

    def run(self) -> None:
        stopped = threading.Event()
        while not stopped.wait(EVERY_S):
            try:
                self._counts.hand_over(self._rounds)
            except (RedisUnavailable, AcceptUnknown, ResponseError) as error:
                log.debug("refusals_not_counted", error=str(error))
            except Exception:
                log.exception("refusals_failed")  # never let this thread die: nothing would start another
