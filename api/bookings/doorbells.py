"""Doorbells sent from an event loop: by one thread of their own, because a broker that hangs holds its caller up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Doorbells:
    """Rings lanes in the background. At most one doorbell per lane waits: one that is not sent yet wakes for all."""

    def __init__(self, ring: Callable[[int], object]) -> None:
        """Args: ring: sends a lane's doorbell; may block, and does not raise (workers/actors.py)."""
        self._ring_lane = ring
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="doorbells")
        self._waiting: set[int] = set()
        self._lock = threading.Lock()

    def ring(self, lane: int) -> None:
        """Have the lane's doorbell sent soon. Returns at once."""
        with self._lock:
            if lane in self._waiting:
                return
            self._waiting.add(lane)
        self._thread.submit(self._send, lane)

    def close(self) -> None:
        """Send what waits, and end the thread. Nothing may be rung any more.   Repeat: nothing happens."""
        self._thread.shutdown()

    def _send(self, lane: int) -> None:
        with self._lock:
            self._waiting.discard(lane)
        self._ring_lane(lane)
