"""Doorbells, sent from a separate thread, because a broker that hangs blocks its caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Doorbells:
    """Rings lanes in the background. At most one doorbell per lane is queued: it also serves later calls."""

    def __init__(self, ring: Callable[[int], object]) -> None:
        """Args: ring: sends a lane's doorbell; may block, and does not raise (workers/actors.py)."""
        self._ring_lane = ring
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="doorbells")
        self._waiting: set[int] = set()
        self._lock = threading.Lock()

    def ring(self, lane: int) -> None:
        """Queue the lane's doorbell. Does not block."""
        with self._lock:
            if lane in self._waiting:
                return
            self._waiting.add(lane)
        self._thread.submit(self._send, lane)

    def close(self) -> None:
        """Send what is queued, and end the thread. `ring` must not be called afterwards.   Repeat: no effect."""
        self._thread.shutdown()

    def _send(self, lane: int) -> None:
        with self._lock:
            self._waiting.discard(lane)
        self._ring_lane(lane)
