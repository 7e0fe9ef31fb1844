"""Counts in memory that are handed over to prometheus_client in bulk.

With PROMETHEUS_MULTIPROC_DIR the library writes every count to a mapped file under a lock, several microseconds per
request; here a request changes a few numbers. A thread hands them over once a second; so do a scrape of this process,
and its end. SIGKILL loses what was counted since the last hand-over: at most a second.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Sequence
from multiprocessing.util import Finalize
from threading import Lock, Thread

from prometheus_client import Counter, Histogram

from core import logs

#: Seconds between two hand-overs: the most that a kill -9 can lose.
EVERY_S = 1.0

log = logs.logger(__name__)


class Tally:
    """Counts that any thread may change, and that are added to their metrics in bulk.

    `+=` is several steps of the interpreter, so a lock guards it; it is held for less than a microsecond.
    """

    _counts: dict[Counter, int]
    _cells: dict[Histogram, list[float]]
    _thread: Thread | None
    _lock: Lock
    _handing: Lock

    def __init__(self, bounds: Sequence[float]) -> None:
        """Args: bounds: the buckets of every histogram observed here, without the infinite one."""
        self._bounds = tuple(bounds)
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def count(self, child: Counter) -> None:
        """Add one to a counter."""
        with self._lock:
            self._counts[child] = self._counts.get(child, 0) + 1
        if self._thread is None:
            self._start()

    def observe(self, child: Histogram, seconds: float) -> None:
        """Add one observation to a histogram."""
        with self._lock:
            cells = self._cells.get(child)
            if cells is None:
                # One per bucket, one above them all, and the sum.
                cells = self._cells[child] = [0.0] * (len(self._bounds) + 2)
            cells[bisect_left(self._bounds, seconds)] += 1
            cells[-1] += seconds
        if self._thread is None:
            self._start()

    def hand_over(self) -> None:
        """Add everything counted so far to the metrics. Blocks until it is done. Raises: OSError: their files."""
        with self._handing:
            with self._lock:
                counts, self._counts = self._counts, {}
                cells, self._cells = self._cells, {}
            for counter, number in counts.items():
                counter.inc(number)
            for histogram, added in cells.items():
                _add(histogram, added)

    def _forget(self) -> None:
        """Reset the counts; also in a forked child, whose parent hands over what was counted before the fork."""
        self._counts, self._cells = {}, {}
        self._lock, self._handing = Lock(), Lock()
        self._thread = None

    def _start(self) -> None:
        """Start the thread of this process, once, and arrange for a last hand-over when the process ends."""
        with self._lock:
            if self._thread is not None:
                return
            # Unlike atexit, this also runs at the end of a process that multiprocessing forked, as granian's are.
            Finalize(None, self.hand_over, exitpriority=0)
            self._thread = Thread(target=self._hand_over_for_ever, name="metrics", daemon=True)
            self._thread.start()

    def _hand_over_for_ever(self) -> None:
        well = True
        while True:
            time.sleep(EVERY_S)
            try:
                self.hand_over()
                well = True
            except Exception as error:  # noqa: BLE001 - never let this thread die
                if well:
                    log.error("metrics_not_handed_over", error=str(error))
                well = False


def _add(child: Histogram, cells: list[float]) -> None:
    """Add many observations at once.

    The library's public API takes one `observe` per observation, which would cost the thread what requests save; so
    this uses two of its private attributes. A test compares the result with `observe`.
    """
    *counts, total = cells
    child._sum.inc(total)
    for bucket, number in zip(child._buckets, counts, strict=True):
        if number:
            bucket.inc(number)
