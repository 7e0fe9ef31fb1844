"""The seats that a worker keeps between batches: choosing the best ones needs every seat, and need not be read twice.

What is kept of a show is valid for one version of it, which is compared under the show's lock; every change of a
seat gives the show a new version. A batch removes it, decide changes it, and it is put back only after COMMIT has
returned, so a batch that fails leaves nothing wrong.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core.seat_owners import Owners
from core.seats import FreeSeats

#: Approximate bytes: limit of all that a worker keeps; size of an owned seat, and of a show without owned seats.
BYTES_MAX = 100_000_000
OWNED_BYTES, SHOW_BYTES = 200, 2_000


@dataclass(slots=True)
class ShowSeats:
    """Every seat's owner at one version of a show, and the seats that are free as of `now_ms`, if that is known."""

    version: int
    owners: Owners
    free: FreeSeats | None = None
    now_ms: int = 0

    @property
    def size(self) -> int:
        """Return its approximate size in bytes."""
        return SHOW_BYTES + OWNED_BYTES * len(self.owners) + (self.free.size if self.free else 0)


class KeptSeats:
    """What one worker process keeps. Its threads drain different lanes, so never the same show."""

    def __init__(self) -> None:
        self._shows: dict[int, ShowSeats] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def remove(self, show_id: int, version: int) -> ShowSeats | None:
        """Remove and return a show's seats; None if they are not kept for this version."""
        with self._lock:
            kept = self._pop(show_id)
        return kept if kept is not None and kept.version == version else None

    def put(self, show_id: int, show_seats: ShowSeats) -> None:
        """Keep a show's seats; drop the least recently used shows if there is no room."""
        with self._lock:
            self._pop(show_id)
            self._shows[show_id] = show_seats
            self._bytes += show_seats.size
            while self._bytes > BYTES_MAX and len(self._shows) > 1:
                self._pop(next(iter(self._shows)))

    def _pop(self, show_id: int) -> ShowSeats | None:
        """Remove a show, and subtract its size from the sum."""
        kept = self._shows.pop(show_id, None)
        if kept is not None:
            self._bytes -= kept.size
        return kept
